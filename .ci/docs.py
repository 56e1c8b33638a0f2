"""Plain pages of the book, without Quarto, and what is wrong with them: python .ci/docs.py [folder, _docs by default]

The published site is Quarto's: `nbdev_docs` makes it in _docs/. `--process` stops after the first half of that, which
needs no Quarto: _proc/ holds the notebooks, as `quarto render _proc` takes them. The plain pages come from the same
notebooks and the same style sheet, by pandoc; they show what is broken, to .ci/check.py and to a browser."""
import base64, html, os, re, shutil, subprocess, sys
from html.parser import HTMLParser
from pathlib import Path
from posixpath import normpath, relpath
from urllib.parse import unquote, urlsplit

import yaml
from common import ROOT, SETTINGS, load, notebooks

PROC, CFG = ROOT/'_proc', SETTINGS['DEFAULT']
BLOB = f"{CFG['git_url']}/blob/{CFG['branch']}/"                         # links to files of the repository
COLAB = BLOB.replace('https://github.com/', 'https://colab.research.google.com/github/')
WORDS = {'default_exp', 'export', 'exporti', 'hide', 'slow', 'cuda'}     # nbdev's directives; they stand alone
TEXT = {'fig-alt', 'fig-cap', 'code-summary', 'label'}                   # Quarto's options, with the kind of their values
FLAGS = {'eval', 'echo', 'include', 'code-fold', 'output', 'warning'}


def process():
    "Pages as notebooks in _proc/."
    from nbdev.serve import proc_nbs
    if str(ROOT) not in sys.path: sys.path.insert(1, str(ROOT))  # nbdev's processes take it over
    os.environ.update(PYTHONWARNINGS='ignore', OMP_NUM_THREADS='1', MPLBACKEND='agg')
    os.chdir(ROOT)
    proc_nbs(force=True, n_workers=2)


# ---- what Quarto would stumble over

class OnceLoader(yaml.SafeLoader):
    "YAML as Quarto reads it: a key stands once."
    def construct_mapping(self, node, deep=False):
        keys = [k.value for k, _ in node.value]
        for k in keys:
            if keys.count(k) > 1: raise yaml.YAMLError(f'key {k} stands {keys.count(k)} times')
        return super().construct_mapping(node, deep)

def head(src):
    "The `#|` lines that open a code cell, without that mark, and the code below."
    lines = src.split('\n')
    n = next((i for i, o in enumerate(lines) if not re.match(r'#\s*\|', o)), len(lines))
    return [re.sub(r'^#\s*\| ?', '', o) for o in lines[:n]], '\n'.join(lines[n:]).strip('\n')

def options(src):
    "Options of a code cell, nbdev's words aside; an error says what is wrong with them."
    top, code = head(src)
    if late := re.search(r'^\s*#\s*\|.*', code, re.M): raise ValueError(f'not at the top of its cell: {late[0].strip()}')
    alone = lambda o: o.strip() in WORDS or re.fullmatch(r'default_exp +[\w.]+|exporti? +\w+\.[\w.]+', o.strip())
    words = [o.split()[0] for o in top if alone(o)]
    if len(set(words)) < len(words) or {'export', 'exporti'} <= set(words): raise ValueError(f'directives of nbdev: {words}')
    rest = [o for o in top if not alone(o)]
    try: found = yaml.load('\n'.join(rest), OnceLoader)
    except yaml.YAMLError as e: raise ValueError('its head is no YAML (a text with a colon needs quotes): ' + ' '.join(str(e).split())) from None
    if found is None: return {}
    if not isinstance(found, dict): raise ValueError(f'neither "key: value" nor a directive of nbdev: {found}')
    for key, value in found.items():
        if key not in TEXT | FLAGS: raise ValueError(f'unknown option {key}')
        line = next(o for o in rest if re.match(rf'["\']?{key}["\']?\s*:', o)).partition(':')[2].strip()
        if key in TEXT and not (isinstance(value, str) and value.strip()): raise ValueError(f'{key} is {value!r}, not text')
        if key in FLAGS and not (isinstance(value, bool) or value in ('show', 'asis')): raise ValueError(f'{key} is {value!r}')
        if line[:1] not in '"\'' and key in TEXT and line != value: raise ValueError(f'{key} is cut short, it needs quotes: {line}')
    return found

def faults(nb, processed=False):
    "What is wrong with a notebook, as Quarto sees it: source lists, heads of cells, outputs."
    ids = [c.get('id') for c in nb['cells']]
    if processed and len(set(ids)) < len(ids): yield 'two cells have one id'
    for c in nb['cells']:
        at, src = f"cell {c.get('id')}", c['source']
        if not isinstance(src, list): yield f'{at}: its source is one string, not a list of lines'
        elif src != ''.join(src).splitlines(True): yield f'{at}: its source is not split into lines'
        elif '\r' in ''.join(src): yield f'{at}: a line of its source ends with a carriage return'
        src = ''.join(src)
        if c['cell_type'] == 'code':
            try: options(src)
            except ValueError as e: yield f'{at}: {e}'
            if processed and (words := [o for o in head(src)[0] if ':' not in o]): yield f'{at}: left by nbdev: {words}'
        for o in c.get('outputs', []) if processed else []:
            kinds = set(o.get('data', {})) - {'text/plain', 'text/markdown', 'image/png', 'image/jpeg', 'image/svg+xml'}
            if kinds: yield f'{at}: an output that loads scripts: {kinds}'
            if o['output_type'] == 'stream' and not isinstance(o['text'], list): yield f'{at}: an output is one string'
    if processed and 'widgets' in nb['metadata']: yield 'holds the state of widgets, which loads scripts'


# ---- a page as markdown, as Quarto makes it

def fence(text, info=''):
    ticks = '`'*max(3, 1 + max(map(len, re.findall('`+', text)), default=0))
    return f'{ticks} {info}\n{text}\n{ticks}\n'

def output(o, opts, save):
    "One output of a cell as markdown."
    box = lambda kind, text: f'::: {{.cell-output .cell-output-{kind}}}\n{text}\n:::\n'
    if o['output_type'] == 'stream': return box(o['name'], fence(''.join(o['text']).rstrip('\n')))
    data = {k: ''.join(v) for k, v in o.get('data', {}).items()}
    for kind, ext in ('image/svg+xml', 'svg'), ('image/png', 'png'), ('image/jpeg', 'jpg'):
        if kind not in data: continue
        name = save(data[kind].encode() if ext == 'svg' else base64.b64decode(data[kind]), ext)
        alt, cap = (html.escape(opts.get(k, '')) for k in ('fig-alt', 'fig-cap'))
        return box('display', fence(f'<figure><img src="{name}" alt="{alt}">{cap and f"<figcaption>{cap}</figcaption>"}</figure>', '{=html}'))
    if 'text/markdown' in data: return box('display', data['text/markdown'])
    text = data.get('text/plain', '')
    return '' if not text or re.match(r'<Figure size|<[\w.]*Axes', text) else box('display', fence(text))

def markdown(nb, save):
    "A processed notebook as one text; `save(bytes, suffix)` puts a picture somewhere and returns its name."
    parts = []
    for c in nb['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] != 'code': parts.append(src); continue
        opts, code = options(src), head(src)[1]
        if opts.get('include') is False: continue
        parts.append('::: {.cell}')
        if opts.get('echo') is not False and code:
            block = fence(code, '{.python .cell-code}')
            if fold := opts.get('code-fold'):
                block = f'<details class="code-fold"{" open" if fold == "show" else ""}><summary>{opts.get("code-summary", "Code")}</summary>\n\n{block}\n</details>'
            parts.append(block)
        if opts.get('output') is not False: parts.extend(output(o, opts, save) for o in c['outputs'])
        parts.append(':::')
    return '\n\n'.join(parts)


# ---- the plain pages

def sidebar():
    "(section title or None, [page paths under nbs/]) in reading order, from _quarto.yml."
    groups = []
    for o in yaml.safe_load((ROOT/'_quarto.yml').read_text(encoding='utf-8'))['website']['sidebar']['contents']:
        if isinstance(o, str): o = dict(section=None, contents=[o])
        groups.append((o['section'], [c if isinstance(c, str) else c['href'] for c in o.get('contents', [])]))
    return groups

def build(site):
    "Write the pages to the folder `site`; returns what pandoc warned of."
    import pypandoc
    process()
    shutil.copytree(PROC, site, dirs_exist_ok=True, ignore=shutil.ignore_patterns('*.ipynb', '*.qmd', '*.yml', '*.scss'))
    texts = {p.relative_to(PROC).as_posix(): None if p.suffix == '.qmd' else load(p) for p in PROC.rglob('*') if p.suffix in ('.ipynb', '.qmd')}
    front = {n: yaml.safe_load(''.join(nb['cells'][0]['source']).strip('-\n')) for n, nb in texts.items() if nb}
    pages = {n: (Path(n).parent/front[n]['output-file']).as_posix() if n in front else n.replace('.qmd', '.html') for n in texts}
    warned = []
    for name, nb in texts.items():
        out, count = site/pages[name], 0
        to = lambda other: relpath(other, Path(pages[name]).parent.as_posix())
        def save(blob, ext):
            nonlocal count
            count += 1
            (folder := out.with_name(out.stem + '_files')).mkdir(exist_ok=True)
            (folder/f'{count}.{ext}').write_bytes(blob)
            return f'{folder.name}/{count}.{ext}'
        def link(m):
            path, mark, frag = m[2].partition('#')
            target = normpath(f'{Path(name).parent.as_posix()}/{path}')
            return f'{m[1]}="{to(pages[target])}{mark}{frag}"' if target in pages else m[0]
        text = (PROC/name).read_text(encoding='utf-8') if nb is None else markdown(nb, save)
        text = re.sub(r'\{fig-alt=', '{alt=', text)
        nav = ''.join((f'<p>{html.escape(s)}</p>' if s else '') + ''.join(f'<a href="{to(pages[p])}">{html.escape(front[p]["title"])}</a> ' for p in ps if p in pages)
                      for s, ps in sidebar())
        nav = ('<script>document.body.classList.add(matchMedia("(prefers-color-scheme: dark)").matches ? "quarto-dark" : "quarto-light")</script>'
               f'<details class="nav"><summary>All pages</summary>{nav}</details>')
        (site/'nav.html').write_text(nav, encoding='utf-8')
        cmd = [pypandoc.get_pandoc_path(), '-f', 'markdown+emoji', '-t', 'html5', '-s', '--mathml', '--toc', '--toc-depth=3', '--wrap=none', '--syntax-highlighting=none',
               '--css', to('styles.css'), '-B', site/'nav.html', '-V', 'lang=en', '-M', f'pagetitle={front.get(name, {}).get("title", CFG["title"])}',
               '-M', f'subtitle={front.get(name, {}).get("description", "")}', '-o', '-']
        done = subprocess.run(list(map(str, cmd)), input=text, capture_output=True, text=True, encoding='utf-8', check=True)
        warned += [f'{name}: {o}' for o in done.stderr.splitlines() if o.strip()]
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(re.sub(r'\b(href)="([^"]*)"', link, done.stdout), encoding='utf-8')
    (site/'nav.html').unlink()
    return warned


# ---- what is broken

class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.silent, self.remote, self.text, self.code, self.cited, self.box = [], [], [], [], [], 0, [], None
        self.empty = 0
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if 'id' in a: self.ids.append(a['id'])
        if tag in ('pre', 'code', 'script', 'style'): self.code += 1
        self.links += [a[k] for k in ('href', 'src') if a.get(k)]
        if tag == 'img' and not (a.get('alt') or '').strip(): self.silent.append(a.get('src') or '')
        url = a.get('src') or (a.get('href') if tag == 'link' else '') or ''
        if re.match(r'https?:|//', url): self.remote.append(url)
        if 'data-cites' in a: self.cited.append(a['data-cites'])
        if tag == 'div' and a.get('class') == 'api-body': self.box = ''
        if tag == 'details': self.box = None
    def handle_endtag(self, tag):
        self.code -= tag in ('pre', 'code', 'script', 'style')
        if tag == 'details' and self.box is not None:
            self.empty += self.box.replace('source', '').strip() == ''
            self.box = None
    def handle_data(self, data):
        if self.box is not None: self.box += data
        if not self.code: self.text.append(data)

def problems(site):
    "Broken links, anchors and pictures; pictures without words; what comes from other hosts; pages and sidebar that disagree."
    pages = {p.relative_to(site).as_posix(): Page(p.read_text(encoding='utf-8')) for p in site.rglob('*.html')}
    if not pages: yield 'the site has no page'
    for name, page in sorted(pages.items()):
        for url in sorted(set(page.links)):
            if url.startswith((BLOB, COLAB)):  # a file of the repository
                path = unquote(urlsplit(url).path.split(f"/blob/{CFG['branch']}/")[1])
                if not (ROOT/path).exists(): yield f'{name}: links to {path}, which is not in the repository'
                continue
            if re.match(r'[a-z]+:|//', url): continue
            path, _, frag = url.partition('#')
            to = normpath(f'{Path(name).parent.as_posix()}/{unquote(path)}') if path else name
            if (site/to).is_dir(): to = normpath(to + '/index.html')
            if not (site/to).is_file(): yield f'{name}: broken link {url}'
            elif frag and to in pages and unquote(frag) not in pages[to].ids: yield f'{name}: no such place {url}'
        for src in page.silent: yield f'{name}: picture without alt text {src[:60]} (give its cell a line #| fig-alt: …)'
        for url in page.remote: yield f'{name}: loads from another host {url[:60]}'
        for key in page.cited: yield f'{name}: @{key} is read as a citation, put it in backticks'
        if page.empty: yield f'{name}: {page.empty} references are empty'
        text = ''.join(page.text)
        if re.search(r'^:::', text, re.M): yield f'{name}: a ::: box is not closed or not opened'
        if m := re.search(r'.{0,40}\]\(\S*', text): yield f'{name}: a link shows its brackets: {m[0]}'
        for i in sorted({i for i in page.ids if page.ids.count(i) > 1}): yield f'{name}: two places are called #{i}'
    base, llms = CFG['doc_host'] + CFG['doc_baseurl'] + '/', site/'llms.txt'
    told = set(re.findall(re.escape(base) + r'([^)\s]+)', llms.read_text(encoding='utf-8'))) if llms.is_file() else set()
    for name in sorted(set(pages) - {'index.html', 'rooms.html', '404.html'} ^ told): yield f'{name} is told in llms.txt or is a page, not both: run python .ci/contents.py'
    listed = [p for _, ps in sidebar() for p in ps]
    have = [p.relative_to(ROOT/'nbs').as_posix() for p in notebooks()]
    for p in have:
        if p not in listed: yield f'nbs/{p} is not in the sidebar of _quarto.yml'
    for p in listed:
        if p not in have: yield f'_quarto.yml lists {p}, which is missing'
    for section, pages in sidebar():
        numbered = [p for p in pages if re.search(r'/\d\d_', p)]
        if numbered != sorted(numbered, key=lambda p: p.split('/')[-1]): yield f'{section} in the sidebar of _quarto.yml is not in the order of the numbers'


def main():
    if '--process' in sys.argv: return process()
    site = Path(sys.argv[1] if sys.argv[1:] else CFG['doc_path']).resolve()
    if site.exists():
        if any(site.iterdir()) and not (site/'styles.css').exists(): sys.exit(f'{site} is not empty and holds no site')
        shutil.rmtree(site)
    bad = build(site) + list(problems(site))
    print('\n'.join(bad + [f'{len(list(site.rglob("*.html")))} pages in {site}, {len(bad)} problems']))
    return bool(bad)


if __name__ == '__main__': sys.exit(main())
