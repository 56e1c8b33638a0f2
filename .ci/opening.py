"""How every notebook opens, so that it runs in Colab too: a badge under the title, and a hidden cell that brings the newest release with its
data where the package is missing. .ci/contents.py writes both, .ci/check.py heads compares, .ci/check.py packages runs pages that open so."""
import re

from common import ROOT, SETTINGS, load

CFG = SETTINGS['DEFAULT']
BADGE = re.compile(r'\[!\[Open in Colab\]\([^)]*\)\]\((?P<to>[^)]*)\)')
SETUP = ''.join(next(c for c in load(ROOT/'.ci/template.ipynb')['cells'] if c['id'] == 'setup')['source'])

def badge(name):
    "The badge of a notebook, `name` under nbs/."
    url = f"{CFG['git_url']}/blob/{CFG['branch']}/nbs/{name}".replace('https://github.com/', 'https://colab.research.google.com/github/')
    return f'[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})'

def opened(nb, name):
    "The cells of a notebook with badge and hidden cell; pages without code and the first page, which is the README, as they are."
    cells = [dict(c) for c in nb['cells'] if c['id'] != 'setup']
    at = next((i for i, c in enumerate(cells) if c['cell_type'] == 'markdown'), None)
    if at is None or name == 'index.ipynb' or all(c['cell_type'] == 'markdown' for c in cells): return cells
    text = ''.join(cells[at]['source'])
    if not any(BADGE.search(''.join(c['source'])) for c in cells[:at+3]):
        text = re.sub(r'\A# .+\n+> .+\n?', lambda m: f'{m[0].rstrip()}\n\n{badge(name)}\n', text)
    cells[at]['source'] = text.rstrip('\n').splitlines(True)
    for c in cells: c['source'] = BADGE.sub(badge(name), ''.join(c['source'])).splitlines(True)
    hidden = dict(cell_type='code', execution_count=None, id='setup', metadata={}, outputs=[], source=SETUP.splitlines(True))
    return [*cells[:at+1], hidden, *cells[at+1:]]
