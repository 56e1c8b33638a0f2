"""The pages of the book in numbers: python .ci/chapters.py [word ...], those whose path contains one of these words.

Words, figures, exercises and how many of them check an answer, sliders, the longest cell, the widest line, minutes to read.
.ci/contents.py writes the table into a page, .ci/house.py says what is out of bounds."""
import re, sys

from common import load, notebooks

WORDS, LINES, FIGURE = 200, 20, 1/6  # words and lines of code that are read in a minute, minutes for a figure
HIDDEN = re.compile(r'^#\|\s*(hide|default_exp|include:\s*false)\b', re.M)
HEADS = ('words', 'figures', 'exercises', 'with a check', 'sliders', 'longest cell', 'widest line', 'minutes')


def section(nb, title):
    "The text of the section with that heading; '' where there is none."
    text = '\n'.join(''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown')
    m = re.search(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', text, re.M | re.S)
    return m[1] if m else ''

def measure(nb):
    "The numbers of one notebook, under the names of `HEADS`, and the headings it has."
    prose = '\n'.join(''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown')
    code = [''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'code']
    shown = [[o for o in s.splitlines() if o.strip() and not o.startswith('#|')] for s in code if not HIDDEN.search(s)]
    outputs = [o.get('data', {}) for c in nb['cells'] for o in c.get('outputs', [])]
    figures = sum(any(k.startswith('image/') for k in o) for o in outputs) + len(re.findall(r'!\[', prose))
    words = len(re.sub(r'\]\([^)]*\)|[|*`#_>$-]+', ' ', prose).split())
    sliders = sum('class="slide"' in ''.join(o.get('text/html', '')) for o in outputs)
    found = dict(zip(HEADS, (
        words, figures + sliders, len(re.findall(r'^\d+\. ', section(nb, 'Exercises'), re.M)),
        len(re.findall(r'^answer = \.\.\.', '\n'.join(code), re.M)), sliders,
        max((len([o for o in s.splitlines() if not o.startswith('#|')]) for s in code), default=0),
        max((len(o) for s in code for o in s.splitlines()), default=0),
        round(words/WORDS + sum(map(len, shown))/LINES + (figures + sliders)*FIGURE)), strict=True))
    return found | dict(headings=re.findall(r'^## (.+)$', prose, re.M))

def numbers(pick=()):
    "Path under nbs/ -> numbers, for pages whose path contains one of the words in `pick`, or for all."
    paths = {p: p.relative_to(p.parents[1] if p.parent.name != 'nbs' else p.parent).as_posix() for p in notebooks()}
    return {name: measure(load(p)) for p, name in paths.items() if not pick or any(w in name for w in pick)}

def table(found, label=lambda name: name):
    "The numbers as a table in Markdown."
    rows = [['page', *HEADS], ['---', *['---:']*len(HEADS)]]
    rows += [[label(name), *(f'{n[h]:,}' for h in HEADS)] for name, n in found.items()]
    return '\n'.join('| ' + ' | '.join(r) + ' |' for r in rows)


if __name__ == '__main__':
    found = numbers(sys.argv[1:])
    wide = max(map(len, found), default=0)
    print(f'{"":{wide}}', *(f'{h:>12}' for h in HEADS))
    for name, n in found.items(): print(f'{name:{wide}}', *(f'{n[h]:>12,}' for h in HEADS))
    print(f'{len(found)} pages, {sum(n["words"] for n in found.values()):,} words, {sum(n["minutes"] for n in found.values()):,} minutes')
