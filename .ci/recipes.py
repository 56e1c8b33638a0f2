"""Do the published recipes still run? Five steps of each on drawn data, with `ocrbook train`.

    python .ci/recipes.py             all of recipes/published
    python .ci/recipes.py crnn sar    those whose name contains one of these words

What is small here: a recipe's data sets are drawn folders of the same names, batches hold two examples, pages are squares of 128 pixels, several
devices become two, and models that have a width get a quarter of it. All else is the recipe's. The losses must be finite, and the weights' file must open."""
import argparse, csv, math, os, sys, tempfile, time, tomllib
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from inspect import signature
from io import StringIO
from pathlib import Path

from common import ROOT

sys.path.insert(0, str(ROOT))
from ocrbook.data.receipts import write_receipts
from ocrbook.data.synth import write_pages, write_words
from ocrbook.practice.cli import app
from ocrbook.practice.models import MODELS, open_model

STEPS, SIZE = 5, 128
DRAW = dict(detection=lambda to: write_pages(to, 6, size=2*SIZE, fonts='bundled'), recognition=lambda to: write_words(to, 40, fonts='bundled'),
            kie=lambda to: write_receipts(to, 4, fonts='bundled'))


def drawn_data(root, task, names):
    "A folder for $OCRBOOK_DATA in which each of the data sets is the same drawn one."
    if not (root/task).exists(): DRAW[task](root/task/'drawn')
    for n in names:
        if not (root/task/n).exists(): (root/task/n).symlink_to('drawn')
    return root/task

def narrow(text, model):
    "The recipe at a quarter of the published width, if its model has one."
    width = signature(getattr(import_module(MODELS[model].module), model)).parameters.get('width')
    if width is None: return text
    table = f'[settings]\nwidth = {width.default//4}\n'
    return text.replace('[settings]\n', table) if '[settings]\n' in text else f'{text}\n{table}'

def try_recipe(path, root):
    "What went wrong, or ''; and the losses."
    recipe = tomllib.loads(path.read_text(encoding='utf-8'))
    model, out, small = recipe['model'], root/'runs'/path.stem, root/path.name
    small.write_text(narrow(path.read_text(encoding='utf-8'), model), encoding='utf-8')
    os.environ['OCRBOOK_DATA'] = str(drawn_data(root, MODELS[model].task, [d['folder'] for d in recipe['data']]))
    args = dict(recipe=small, out=out, steps=STEPS, batch=2, size=SIZE, accumulate=min(2, recipe.get('accumulate', 1)), workers=0, device='cpu')
    with redirect_stdout(said := StringIO()), redirect_stderr(said):
        try: app(['train', *(str(o) for k, v in args.items() for o in (f'--{k}', v))])
        except SystemExit as e: code = e.code
    if code: return said.getvalue().strip().splitlines()[-1], []
    with open(out/'log.csv', encoding='utf-8') as f: losses = [float(r['loss']) for r in csv.DictReader(f)]
    if len(losses) != STEPS or not all(map(math.isfinite, losses)): return f'losses {losses}', losses
    net = open_model(out/'last.safetensors')
    if net.name != model or not all(v.isfinite().all() for v in net.state_dict().values()): return 'its file holds another model, or none', losses
    return '', losses


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('words', nargs='*', help='only recipes whose name contains one of these')
    words = ap.parse_args().words
    paths = [p for p in sorted((ROOT/'recipes'/'published').glob('*.toml')) if not words or any(w in p.stem for w in words)]
    passed = 0
    for p in paths:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as root: why, losses = try_recipe(p, Path(root))
        passed += not why
        shown = f'loss {losses[0]:.3f} → {losses[-1]:.3f}' if losses else ''
        print(f'{"FAIL" if why else "ok  "} {time.monotonic() - began:6.1f} s  {p.stem:26} {why or shown}', flush=True)
    print(f'{passed} passed, {len(paths) - passed} failed')
    return int(passed < len(paths) or not paths)


if __name__ == '__main__': sys.exit(main())
