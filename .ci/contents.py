"""Write the list of pages, in the sidebar of _quarto.yml and in nbs/index.ipynb, from the notebooks there are, the leaderboard from
data/leaderboard.json, how every notebook opens, and the three ways and the table of all pages in nbs/start, with minutes that are counted, not guessed:
python .ci/contents.py, after a chapter was added, its title changed, or models were measured."""
import json, re, sys

import chapters, opening
from common import ROOMS, ROOT, SETTINGS, load, notebooks

NAMES = dict(start='Start', foundations='Foundations', data='Data', parts='Parts', detection='Detection', recognition='Recognition',
             kie='Key information', practice='Practice', solutions='Solutions',
             porting='For porters')
# Pages that wait behind the models, as nobody begins with them: section -> pages of other rooms
BEHIND = dict(Formats='data/07 data/09 data/10 data/20 data/21 data/22 data/23 data/24', Tools='foundations/01 foundations/06 foundations/10')
# The three ways of start/01_start.ipynb: name -> (for whom, pages)
TRACKS = {
    'use it': ('You have photos and want their text.', 'practice/73 start/09 start/05 practice/71 practice/87 practice/74 practice/76 practice/91 practice/79'),
    'understand it': ('You want to know how text is found and read, from the papers to the last index.',
                      'start/03 foundations/02 foundations/09 detection/20 detection/21 detection/22 start/06 detection/26 recognition/40 '
                      'recognition/41 parts/30 recognition/46 recognition/48 kie/60 kie/61'),
    'change it': ('You have an idea for a model, or data of your own.',
                  'start/02 parts/17 rooms start/07 start/08 data/13 practice/81 practice/84 practice/69 foundations/01')}

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
    sections = {NAMES[r]: ps for r, ps in found.items() if ps}
    every, behind = [o for ps in sections.values() for o in ps], set()
    late = {name: [next(o for o in every if o[0].startswith(w + '_')) for w in words.split()] for name, words in BEHIND.items()}
    for ps in late.values(): behind.update(ps)
    ordered = {}
    for name, ps in sections.items():
        ordered[name] = [o for o in ps if o not in behind]
        if name == NAMES['kie']: ordered.update(late)
    return ordered

def sidebar(sections):
    path = ROOT/'_quarto.yml'
    top = re.match(r'.*?^    contents:\n', path.read_text(encoding='utf-8'), re.S | re.M)[0]
    text = top + '      - index.ipynb\n      - rooms.ipynb\n'
    for name, ps in sections.items():
        text += f'      - section: {name}\n        contents:\n' + ''.join(f'          - {p}\n' for p, *_ in ps)
    path.write_text(text, encoding='utf-8')

def ways(sections, found):
    "The three ways in Markdown: pages and the minutes they take."
    titles = {p: title for ps in sections.values() for p, title, _ in ps} | {'rooms.ipynb': 'The rooms'}
    text = '## Three ways\n\nThe minutes are counted, not guessed: ' \
           f'{chapters.WORDS} words, {chapters.LINES} lines of code or {round(1/chapters.FIGURE)} pictures take one.'
    for name, (why, words) in TRACKS.items():
        ps = [next(p for p in titles if p == w + '.ipynb' or p.startswith(w + '_')) for w in words.split()]
        text += f'\n\n**{name.capitalize()}.** {why} {len(ps)} pages, {sum(found[p]["minutes"] for p in ps)/60:.1f} hours.\n\n'
        text += '\n'.join(f'{i}. [{titles[p]}](../{p}) ({found[p]["minutes"]} min)' for i, p in enumerate(ps, 1))
    return text

def put(name, opening, text):
    "Write `text` into the one cell of a page under nbs/ that begins with `opening`."
    from execnb.nbio import read_nb, write_nb
    nb = read_nb(path := ROOT/'nbs'/name)
    next(c for c in nb.cells if c.cell_type == 'markdown' and c.source.startswith(opening)).source = text
    write_nb(nb, path)

def openings():
    "Every notebook opens with its badge and its hidden cell."
    for p in notebooks():
        nb = load(p)
        if (cells := opening.opened(nb, p.relative_to(ROOT/'nbs').as_posix())) != nb['cells']:
            p.write_text(json.dumps(dict(nb, cells=cells), indent=1, ensure_ascii=False, sort_keys=True) + '\n', encoding='utf-8')

def llms(sections):
    "What a machine that reads the site should know, as llms.txt: what it is, and every page with one line about it."
    cfg = SETTINGS['DEFAULT']
    site = cfg['doc_host'] + cfg['doc_baseurl']
    page = lambda p: f'{site}/' + re.sub(r'(^|/)\d+[a-z]?_', r'\1', p).replace('.ipynb', '.html')  # as nbdev names pages
    text = f"# {cfg['title']}\n\n> {cfg['description']}\n\nSource, as notebooks: {cfg['git_url']}\n"
    for name, ps in sections.items():
        text += f'\n## {name}\n\n' + ''.join(f'- [{title}]({page(p)}): {about}\n' for p, title, about in ps)
    (ROOT/'nbs/llms.txt').write_text(text, encoding='utf-8')

def leaderboard():
    "The tables of the leaderboard in Markdown, by the function of its chapter."
    if str(ROOT) not in sys.path: sys.path.insert(0, str(ROOT))
    from ocrbook.practice.leaderboard import board_markdown
    return board_markdown(json.loads((ROOT/'data/leaderboard.json').read_text(encoding='utf-8')))

def index(sections):
    put('index.ipynb', '## The chapters', '## The chapters\n\n' + '\n'.join(
        f'**{name}**\n\n' + ''.join(f'- [{title}]({p}): {about}\n' for p, title, about in ps) for name, ps in sections.items()).rstrip())
    put('index.ipynb', '**Detectors**', leaderboard())


if __name__ == '__main__':
    openings()
    sections = pages()
    sidebar(sections)
    if (ROOT/'nbs/index.ipynb').exists(): index(sections)
    llms(sections)
    found = chapters.numbers()
    put('start/01_start.ipynb', '## Three ways', ways(sections, found))
    titles = {p: title for ps in sections.values() for p, title, _ in ps}
    put('start/04_chapters.ipynb', '## The table', '## The table\n\n' + chapters.table(
        {p: n for p, n in found.items() if p in titles and p != 'start/04_chapters.ipynb'}, lambda p: f'[{titles[p]}](../{p})'))
    print(f'{sum(map(len, sections.values()))} pages in {len(sections)} rooms')
