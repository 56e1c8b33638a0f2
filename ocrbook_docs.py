"""What turns a notebook of this book into a page of its site, on top of what nbdev does.

`procs` in settings.ini names `BookPage`, so `nbdev_docs`, `nbdev_preview` and `.ci/docs.py` all make the same pages.
Not part of the package: only an editable install (`pip install -e ".[dev]"`) makes it importable."""
import json, re
from functools import lru_cache
from pathlib import Path
from posixpath import normpath, relpath

import yaml
from execnb.nbio import mk_cell, read_nb
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html, nbglob
from nbdev.process import Processor, extract_directives
from nbdev.processors import _def_names, _want_doc, exec_show_docs

BADGE = re.compile(r'\[!\[([^\]]*)\]\(https://colab\.research\.google\.com/[^)]*\.svg\)\]\(([^)\s]+)\)')
IMAGE = re.compile(r'!\[([^\]]+)\]\(([^)\s]+)\)(?!\{)')
LINK = re.compile(r'\]\(([^)\s]+)\)')
# What a name must not be linked in: fenced and indented code, headings, links and pictures, html, formulas
CLOSED = re.compile(r'(^```.*?^```[^\n]*$|^(?: {4}|\t)[^\n]*$|^#+ [^\n]*$|!?\[(?:[^\[\]]|\[[^\]]*\])*\]\([^)]*\)(?:\{[^}]*\})?|'
                    r'<[^>\n]+>|\$\$.*?\$\$)', re.M | re.S)
NAME = re.compile(r'`([A-Za-z_][\w.]*)(\(\))?`')
TITLE = re.compile(r'\s*# (?P<title>[^\n]+)\n*(?P<description>(?:>[^\n]*\n?)*)')


@lru_cache(None)
def places():
    "Name -> pages (under nbs/, as .html) that hold its reference."
    nbs, found = Path(get_config().nbs_path), {}
    for path in nbglob(nbs, as_path=True):
        page, nb = page_of(path), read_nb(path)
        for cell in nb.cells:
            cell.directives_ = extract_directives(cell)
            if _want_doc(cell):
                for name in _def_names(cell, set()): found.setdefault(name, {})[page] = None
    return found

def page_of(path):
    "Where the page of a notebook lies, under nbs/."
    rel = Path(path).relative_to(get_config().nbs_path)
    return (rel.parent/_nbpath2html(rel).name).as_posix()

def blob(): return f'{get_config().git_url}/blob/{get_config().branch}/'  # links to files of the repository

def link_names(text, page):
    "Names in backticks lead to their reference, on this page or another."
    def one(m):
        name, at = m[1].removeprefix(f"{get_config().lib_path.name}."), places()
        to = page if page in at.get(name, ()) else next(iter(at[name])) if len(at.get(name, ())) == 1 else None
        if to is None: return m[0]
        return f'[{m[0]}]({"" if to == page else relpath(to, Path(page).parent.as_posix())}#{name.lower()})'
    return ''.join(p if i % 2 else NAME.sub(one, p) for i, p in enumerate(CLOSED.split(text)))

def tidy(text, folder):
    "Pictures keep their words where they stand alone, badges are links, links that leave nbs/ lead to the repository."
    def outside(m):
        to = normpath(f'nbs/{folder}/{m[1]}')
        return m[0] if ':' in m[1] or m[1][0] in '#/' or to.startswith('nbs/') else f']({blob()}{to})'
    def picture(m):
        words = ' '.join(m[1].split()).replace('"', "'")
        return f'![]({m[2]}){{fig-alt="{words}"}}'
    parts = re.split(r'(^```.*?^```|`[^`\n]*`)', text, flags=re.M | re.S)
    for i in range(0, len(parts), 2):
        p = BADGE.sub(r'[\1](\2){.colab}', parts[i])
        p = IMAGE.sub(picture, p)
        parts[i] = LINK.sub(outside, p)
    return ''.join(parts)

def reference(cells):
    "One box that opens on a click, with what `show_doc` says; in one cell, so that no heading reaches beyond it."
    names = [re.search(r'show_doc\((.+?)\)', c.source)[1] for c in cells]
    said = [''.join(o['data']['text/markdown']) for c in cells for o in c.outputs if 'text/markdown' in o.get('data', {})]
    body = '\n\n'.join(re.sub(r'\A\s*---\n', '', o) for o in said)
    body = re.sub(r'^### (__\w+__)$', r'### `\1` {#\1}', body, flags=re.M)  # not bold
    return mk_cell('```{=html}\n<details class="api"><summary>Reference: ' + ', '.join(f'<code>{n}</code>' for n in names)
                   + f'</summary>\n```\n\n::: {{.api-body}}\n\n{body.strip()}\n\n:::\n\n```{{=html}}\n</details>\n```', 'markdown')


IMPORTS = re.compile(r'((from [\w.]+ )?import (\([^)]*\)|[^\n(]+)\n*)+')
TEST = re.compile(r'^\s*(test_eq|test_fail|test_close|kills|assert|check|same|np\.testing\.\w+|with test_|for .*: (assert|test_\w+))\b', re.M)

def fold(cell, section):
    "A cell that only imports, tests, draws with more than a few lines, or measures what an idea is worth, is folded: a click opens it. What it prints or draws stays."
    lines = [o for o in cell.source.splitlines() if not o.startswith('#|')]
    if 'check_answer' in cell.source or re.search(r'^#\|\s*(code-fold|echo)', cell.source, re.M): return
    draws = any(k.startswith('image/') or 'class="slide"' in ''.join(v) for o in cell.outputs for k, v in o.get('data', {}).items())
    if IMPORTS.fullmatch('\n'.join(lines).strip()): word = 'Imports'
    elif cell.directives_.keys() & {'export', 'exporti'}: return
    elif 'cuda' in cell.directives_: word = 'On a GPU'
    elif section == 'Worth it?': word = 'The experiment'
    elif draws and len(lines) > 4: word = 'How it is drawn'
    elif not draws and TEST.search(cell.source): word = 'Test'
    else: return
    cell.source = f'#| code-fold: true\n#| code-summary: {word}\n{cell.source}'

def is_doc(cell):
    "Did nbdev add this cell to show a reference?"
    return cell.cell_type == 'code' and cell.source.startswith('#|') and re.search(r'^show_doc\(', cell.source, re.M)

class BookPage(Processor):
    "Stands for nbdev's `FrontmatterProc`, `exec_show_docs`, `rm_export`, `hide_` and `add_links`."
    def begin(self):
        nb, path = self.nb, Path(self.nb.path_).resolve()
        page, folder = page_of(path), path.parent.relative_to(get_config().nbs_path).as_posix()
        self.document()
        cells, head = self.select()
        ids = {c.get('id') for c in json.loads(path.read_text(encoding='utf-8'))['cells']}
        for i, c in enumerate(cells):
            if c.get('id') not in ids: c.id = f'cell-{i}'  # nbdev's are drawn anew in every run
            if c.cell_type == 'markdown': c.source = link_names(tidy(c.source, folder), page)
            for o in c.get('outputs', []):
                data = o.get('data', {})
                if 'text/html' in data:  # for the sake of one such output Quarto's page fetches scripts from other hosts
                    o['data'] = {'text/markdown': ['```{=html}\n', *''.join(data['text/html']).strip().splitlines(True), '\n```\n']}
                elif 'text/markdown' in data:
                    data['text/markdown'] = link_names(tidy(''.join(data['text/markdown']), folder), page).splitlines(True)
        cells.append(mk_cell(f'[The notebook of this page]({blob()}nbs/{path.relative_to(get_config().nbs_path).as_posix()}) runs from top to '
                             'bottom; its tests are the ones you see here.', 'markdown', id='notebook'))
        front = yaml.dump(dict(head, **{'output-file': Path(page).name}), allow_unicode=True)
        nb.cells = [mk_cell(f'---\n{front}---\n\n', 'raw', id='front'), *cells]
        nb.metadata.pop('widgets', None)

    def document(self):
        "Run exported code and `show_doc`; other cells with an import would be run out of their turn."
        if not self.nb.has_docs_: return
        run = exec_show_docs(self.nb)
        run.begin()
        for name in sorted({n for c in self.nb.cells for n in c.directives_.get('exporti', [])}):  # modules that several chapters write
            run.k.run_cell(f'import {get_config().lib_path.name}.{name} as other; globals().update({{k: v for k, v in vars(other).items() if k[:2] != "__"}})')
        for c in self.nb.cells:
            if is_doc(c) or c.directives_.keys() & {'export', 'exporti'}: run(c)

    def select(self):
        "The cells that are shown, and what the title says; exported code is shown, references follow it in one box."
        cells, head, docs, section = [], {}, [], ''
        for c in [*self.nb.cells, None]:
            if c is not None and is_doc(c): docs.insert(0, c); continue  # nbdev puts the last name first
            if docs: cells.append(reference(docs)); docs = []
            if c is None or c.directives_.keys() & {'hide', 'default_exp'}: continue
            if c.cell_type == 'markdown' and not head and (m := TITLE.match(c.source)):
                head = {k: re.sub(r'\s*^> ?', ' ', v, flags=re.M).strip() for k, v in m.groupdict().items() if v}
                c.source = c.source[m.end():].strip()
                if not c.source: continue
            if c.cell_type == 'markdown': section = (re.findall(r'^## (.+)$', c.source, re.M) or [section])[-1]
            if c.cell_type == 'code':  # saved widgets cannot move without a kernel, and load scripts
                fold(c, section)
                c.outputs = [] if c.directives_.keys() & {'export', 'exporti'} else [o for o in c.outputs if not any('widget' in k for k in o.get('data', {}))]
            cells.append(c)
        return cells, head
