"""The picture at the top of the README, nbs/images/read.png: python .ci/picture.py [photo]
What `ocrbook.read` finds in the photo, drawn into it; as long as no weights are there, the words of its annotation."""
import json, sys
from pathlib import Path

import numpy as np
from PIL import Image

from common import ROOT
sys.path.insert(0, str(ROOT))

def main(photo=ROOT/'data/samples/road.jpg'):
    import ocrbook
    from ocrbook.foundations.images import load_image
    from ocrbook.foundations.results import TextInstance
    from ocrbook.foundations.draw import draw_page
    photo = Path(photo)
    if any((ROOT/'ocrbook/weights').glob('*.safetensors')): words, how = ocrbook.read(photo).words, 'read'
    else:
        lines = map(json.loads, (photo.parent/'labels.jsonl').read_text(encoding='utf-8').splitlines())
        truth = next(o for o in lines if o['file'] == photo.name)['instances']
        words, how = [TextInstance(np.reshape(o['polygon'], (-1, 2)), o['text']) for o in truth], 'annotated, not read'
    image = load_image(photo)
    scale = min(1, 900/max(image.shape))
    small = Image.fromarray(image).resize((round(image.shape[1]*scale), round(image.shape[0]*scale)), Image.Resampling.LANCZOS)
    drawn = Image.fromarray(draw_page(np.asarray(small), [TextInstance(w.polygon*scale, w.text) for w in words]))
    drawn.quantize(224, dither=Image.Dither.NONE).save(ROOT/'nbs/images/read.png', optimize=True)
    print(f'{len(words)} words {how}: ' + ' '.join(w.text or '?' for w in words))

if __name__ == '__main__': main(*sys.argv[1:])
