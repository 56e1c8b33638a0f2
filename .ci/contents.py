"""Write the list of pages, in the sidebar of _quarto.yml and in nbs/index.ipynb, from the notebooks there are, and the leaderboard from
data/leaderboard.json: python .ci/contents.py, after a chapter was added, its title changed, or models were measured."""
import json, re, sys

from common import ROOMS, ROOT, load, notebooks

NAMES = dict(start='Start', foundations='Foundations', data='Data', parts='Parts', detection='Detection', recognition='Recognition',
             kie='Key information', practice='Practice', solutions='Solutions',
             porting='For porters')

def pages():
    "Section name -> [(path under nbs/, title, subtitle)] in reading order."
    found = {r: [] for r in ROOMS}
    for p in notebooks():
        if p.parent.name not in found: continue
        text = next((''.join(c['source']) for c in load(p)['cells'] if c['cell_type'] == 'markdown'), '')
        m = re.match(r'# (.+)\n+> (.+)', text)
        if not m: print(f'{p.relative_to(ROOT)}: its first text must open with "# Title" and "> what it is about"')
        m = m or [None, p.stem, '…']
        found[p.parent.name].append((p.relative_to(ROOT/'nbs').as_posix(), m[1].strip(), m[2].strip()))
    return {NAMES[r]: ps for r, ps in found.items() if ps}

def sidebar(sections):
    path = ROOT/'_quarto.yml'
    top = re.match(r'.*?^    contents:\n', path.read_text(encoding='utf-8'), re.S | re.M)[0]
    text = top + '      - index.ipynb\n      - rooms.ipynb\n'
    for name, ps in sections.items():
        text += f'      - section: {name}\n        contents:\n' + ''.join(f'          - {p}\n' for p, *_ in ps)
    path.write_text(text, encoding='utf-8')

def leaderboard():
    "The tables of the leaderboard in Markdown, by the function of its chapter."
    if str(ROOT) not in sys.path: sys.path.insert(0, str(ROOT))
    from ocrbook.practice.leaderboard import board_markdown
    return board_markdown(json.loads((ROOT/'data/leaderboard.json').read_text(encoding='utf-8')))

def index(sections):
    from execnb.nbio import read_nb, write_nb
    path = ROOT/'nbs/index.ipynb'
    nb = read_nb(path)
    cell = next(c for c in nb.cells if c.cell_type == 'markdown' and c.source.startswith('## The chapters'))
    cell.source = '## The chapters\n\n' + '\n'.join(
        f'**{name}**\n\n' + ''.join(f'- [{title}]({p}): {about}\n' for p, title, about in ps) for name, ps in sections.items()).rstrip()
    cell = next(c for c in nb.cells if c.cell_type == 'markdown' and c.source.startswith('**Detectors**'))
    cell.source = leaderboard()
    write_nb(nb, path)


if __name__ == '__main__':
    sections = pages()
    sidebar(sections)
    if (ROOT/'nbs/index.ipynb').exists(): index(sections)
    print(f'{sum(map(len, sections.values()))} pages in {len(sections)} rooms')
