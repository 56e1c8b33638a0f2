"""Build the site with pandoc (no Quarto needed) and check its links: python .ci/docs.py [folder, _docs by default]

`--process` stops after nbdev's part, in _proc/, where `quarto render` makes the published site from the same pages."""
import base64, html, json, os, re, shutil, subprocess, sys, tempfile
from html.parser import HTMLParser
from pathlib import Path
from posixpath import normpath, relpath
from urllib.parse import unquote, urlsplit

import yaml
from check import SETTINGS, load
from mermaid import to_svg
from test import ROOT, notebooks

CI, PROC, CFG = Path(__file__).parent, ROOT/'_proc', SETTINGS['DEFAULT']
HOST = CFG['doc_host'] + CFG['doc_baseurl'] + '/'                        # links made by nbdev start so
BLOB = f"{CFG['git_url']}/blob/{CFG['branch']}/"                         # links to files of the repository
COLAB = BLOB.replace('https://github.com/', 'https://colab.research.google.com/github/')


# ---- nbdev's part: notebooks as pages, with `show_doc`

def outside_links(text, folder):
    "Links of a notebook in nbs/`folder` that leave nbs/ lead to the repository."
    def one(m):
        to = normpath(f'nbs/{folder}/{m[1]}')
        return m[0] if ':' in m[1] or m[1][0] in '#/' or to.startswith('nbs/') else f']({BLOB}{to})'
    parts = re.split(r'(^```.*?^```|`[^`\n]*`)', text, flags=re.M | re.S)
    return ''.join(p if i % 2 else re.sub(r'\]\(([^)\s]+)\)', one, p) for i, p in enumerate(parts))

def prepare(nb, folder):
    "The title cell keeps title and subtitle only; exported code is shown, not just documented."
    cells, titled = [], False
    for c in nb['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'markdown':
            src = c['source'] = outside_links(src, folder)
            if not titled and (m := re.match(r'\s*# .*\n*(?:>.*\n?)*', src)):
                titled, rest = True, src[m.end():].strip()
                cells.append(dict(c, source=m[0]))
                if rest: cells.append(dict(c, source=rest, id=c.get('id', 'title') + 'b'))
                continue
        if c['cell_type'] == 'code' and re.search(r'^#\|\s*export\s*$', src, re.M) and not re.search(r'^#\|\s*hide\s*$', src, re.M):
            cells.append(dict(c, source='#| eval: false\n' + re.sub(r'^#\|\s*export\s*\n', '', src, flags=re.M), id=c.get('id', '') + 'x', outputs=[]))
        elif c['cell_type'] == 'code' and re.search(r'\bimport\b', src) and not re.search(r'^#\|\s*export|exec_doc|^show_doc\(', src, re.M):
            c = dict(c, source='#| eval: false\n' + src)  # nbdev would run it, out of its turn; no exported cell needs it
        cells.append(c)
    nb['cells'] = cells

def fold_docs(nb):
    "What `show_doc` says of one cell's functions goes into one box that opens on a click."
    cells, run = [], []
    md = lambda s: dict(cell_type='markdown', metadata={}, source=s)
    def flush():
        if not run: return
        names = [re.search(r'show_doc\((.+?)\)', ''.join(c['source']))[1] for c in run][::-1]
        cells.append(md('```{=html}\n<details class="api"><summary>Reference: ' + ', '.join(f'<code>{n}</code>' for n in names)
                        + '</summary>\n```'))
        cells.extend(run[::-1])
        cells.append(md('```{=html}\n</details>\n```'))
        run.clear()
    for c in nb['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'code' and re.search(r'^show_doc\(', src, re.M):
            for o in c['outputs']:
                text = ''.join(o.get('data', {}).get('text/markdown', ''))
                if text: o['data']['text/markdown'] = re.sub(r'\A\s*---\n', '', text)
            run.append(c)
        else: flush(); cells.append(c)
    flush()
    nb['cells'] = cells

def process():
    "Pages as notebooks in _proc/."
    from nbdev.serve import proc_nbs
    with tempfile.TemporaryDirectory() as tmp:
        src = Path(tmp)/'nbs'
        shutil.copytree(ROOT/'nbs', src, ignore=shutil.ignore_patterns('.*'))
        for p in src.rglob('*.ipynb'):
            nb = load(p)
            prepare(nb, p.parent.relative_to(src).as_posix())
            p.write_text(json.dumps(nb), encoding='utf-8')
        if str(ROOT) not in sys.path: sys.path.insert(1, str(ROOT))  # nbdev's processes take it over
        os.environ.update(PYTHONWARNINGS='ignore', OMP_NUM_THREADS='1', MPLBACKEND='agg')
        proc_nbs(path=str(src), force=True, n_workers=2)
    nbs, known = {p: load(p) for p in PROC.rglob('*.ipynb')}, set()
    for p, nb in nbs.items():  # the names that `show_doc` gives a place to
        out = re.search(r'^output-file: (\S+)', ''.join(nb['cells'][0]['source']), re.M)
        docs = re.findall(r'^show_doc\(([\w.]+)', '\n'.join(''.join(c['source']) for c in nb['cells']), re.M)
        known |= {f"{(p.parent.relative_to(PROC)/out[1]).as_posix()}#{n.lower()}" for n in docs if out}
    own = re.compile(r'\[(`[^`\n]+`)\]\(' + re.escape(HOST) + r'([^)\s]+)\)')
    for p, nb in nbs.items():
        for c in nb['cells']:  # nbdev links every name it knows; those without a place stay plain
            if c['cell_type'] == 'markdown': c['source'] = own.sub(lambda m: m[0] if m[2] in known else m[1], ''.join(c['source']))
        fold_docs(nb)
        p.write_text(json.dumps(nb, ensure_ascii=False, indent=1), encoding='utf-8')


# ---- a page as markdown

def directives(src):
    "Options of a code cell (`#| key: value`) and the code without them."
    opts, code = {}, []
    for line in src.split('\n'):
        if m := re.match(r'#\|\s*([\w-]+)\s*:?\s*(.*)', line): opts[m[1]] = m[2].strip().strip('"\'')
        else: code.append(line)
    return opts, '\n'.join(code).strip('\n')

def fence(text, info):
    ticks = '`'*max(3, 1 + max(map(len, re.findall('`+', text)), default=0))
    return f'{ticks} {info}\n{text}\n{ticks}\n'

def output(o, opts, save):
    "One output of a cell as markdown."
    if o['output_type'] == 'stream': return fence(''.join(o['text']).rstrip('\n'), '{.out}')
    data = {k: ''.join(v) if isinstance(v, list) else v for k, v in o.get('data', {}).items()}
    if 'application/vnd.jupyter.widget-view+json' in data: return ''
    alt = html.escape(opts.get('fig-alt', opts.get('fig-cap', '')))
    cap = f'<figcaption>{html.escape(opts["fig-cap"])}</figcaption>' if 'fig-cap' in opts else ''
    for kind, ext in ('image/svg+xml', 'svg'), ('image/png', 'png'), ('image/jpeg', 'jpg'):
        if kind in data:
            name = save(data[kind].encode() if ext == 'svg' else base64.b64decode(data[kind]), ext)
            return fence(f'<figure><img src="{name}" alt="{alt}">{cap}</figure>', '{=html}')
    if 'text/html' in data: return fence(data['text/html'], '{=html}')
    if 'text/markdown' in data: return data['text/markdown']
    if 'text/latex' in data: return data['text/latex']
    text = data.get('text/plain', '')
    return '' if not text or re.match(r'<Figure size|<[\w.]*Axes', text) else fence(text, '{.out}')

def page(nb, stem, folder):
    "Front matter and markdown of a processed notebook; pictures go to `folder`."
    meta, parts, count = {}, [], 0
    def save(blob, ext):
        nonlocal count
        count += 1
        (folder/f'{stem}_files').mkdir(parents=True, exist_ok=True)
        (folder/f'{stem}_files'/f'{count}.{ext}').write_bytes(blob)
        return f'{stem}_files/{count}.{ext}'
    def picture(m):
        return f'![{m[1].strip().splitlines()[0]}: {"; ".join(o.strip() for o in m[1].strip().splitlines()[1:])}]({save(to_svg(m[1]).encode(), "svg")})'
    for c in nb['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'raw':
            if m := re.match(r'---\n(.*?)\n---', src, re.S): meta.update(yaml.safe_load(m[1]))
            else: parts.append(src)
        elif c['cell_type'] == 'markdown':
            src = re.sub(r'^```+\s*\{?mermaid\}?\n(.*?)^```+', picture, src, flags=re.M | re.S)
            src = re.sub(r'(\$\$[^$]+\$\$)\s*\{#([\w-]+)\}', r'[]{#\2}\1', src)
            src = re.sub(r'(?<![\w@`])@(fig|eq|sec|tbl)-([\w-]+)', lambda m: f'[{dict(fig="figure", eq="equation", sec="section", tbl="table")[m[1]]}](#{m[1]}-{m[2]})', src)
            parts.append(src)
        else:
            opts, code = directives(src)
            if opts.get('include') == 'false': continue
            if label := opts.get('label'): parts.append(f'[]{{#{label}}}')
            if opts.get('echo') != 'false' and code:
                block = fence(code, '{.python}')
                if opts.get('code-fold') in ('true', 'show'):
                    state = ' open' if opts['code-fold'] == 'show' else ''
                    title = opts.get('code-summary', 'Code')
                    block = f'```{{=html}}\n<details class="fold"{state}><summary>{title}</summary>\n```\n\n{block}\n\n```{{=html}}\n</details>\n```'
                parts.append(block)
            if opts.get('output') != 'false': parts.extend(output(o, opts, save) for o in c['outputs'])
    return meta, '\n\n'.join(parts)


# ---- the site

def sidebar():
    "(section title or None, [page paths under nbs/]) in reading order, from _quarto.yml."
    groups = []
    for o in yaml.safe_load((ROOT/'_quarto.yml').read_text(encoding='utf-8'))['website']['sidebar']['contents']:
        if isinstance(o, str): o = dict(section=None, contents=[o])
        groups.append((o['section'], [c if isinstance(c, str) else c['href'] for c in o.get('contents', [])]))
    return groups

def pandoc(text):
    "Markdown to (table of contents, body, warnings)."
    import pypandoc
    with tempfile.TemporaryDirectory() as tmp:
        (Path(tmp)/'t.html').write_text('$toc$\n<!--body-->\n$body$\n')
        cmd = [pypandoc.get_pandoc_path(), '-f', 'markdown-citations+emoji+lists_without_preceding_blankline', '-t', 'html5', '--mathml', '-s',
               '--toc', '--toc-depth=3', '--wrap=none', '--metadata=title:x', f'--template={tmp}/t.html']
        done = subprocess.run(cmd, input=text, capture_output=True, text=True, encoding='utf-8', check=True)
    toc, _, body = done.stdout.partition('<!--body-->')
    return toc, body, [o for o in done.stderr.splitlines() if o.strip()]

def build(site):
    "Write the whole site to the folder `site`; returns what pandoc warned of."
    process()
    site.mkdir(parents=True, exist_ok=True)
    nbs = {p.relative_to(PROC).as_posix(): load(p) for p in PROC.rglob('*.ipynb')}
    for p in PROC.rglob('*'):
        if p.is_file() and p.suffix in ('.png', '.jpg', '.jpeg', '.svg', '.gif', '.webp', '.css'):
            (site/p.relative_to(PROC)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(p, site/p.relative_to(PROC))
    shutil.copy(CI/'site.css', site/'site.css')
    pages, warned = {}, []
    for name, nb in nbs.items():
        folder, stem = (site/name).parent, Path(name).stem
        folder.mkdir(parents=True, exist_ok=True)
        meta, text = page(nb, stem, folder)
        out = (Path(name).parent/meta.get('output-file', stem + '.html')).as_posix()
        toc, body, said = pandoc(text)
        warned += [f'{name}: {o}' for o in said]
        pages[name] = dict(out=out, title=meta.get('title', stem), about=meta.get('description', ''), toc=toc, body=body)
    groups = [(s, [p for p in ps if p in pages]) for s, ps in sidebar()]
    order = [p for _, ps in groups for p in ps]
    frame = (CI/'page.html').read_text(encoding='utf-8')
    for name, p in pages.items():
        to = lambda other: relpath(other, Path(p['out']).parent.as_posix())
        def link(m):
            url = m[2].replace(HOST, '/') if m[2].startswith(HOST) else m[2]
            path, _, frag = url.partition('#')
            if path.startswith('/'): path = to(path.lstrip('/') or 'index.html')
            elif path.endswith('.ipynb') and ':' not in path:
                target = normpath(f'{Path(name).parent.as_posix()}/{path}')
                if target in pages: path = to(pages[target]['out'])
            return f'{m[1]}="{path}{"#" + frag if frag else ""}"'
        nav = ''
        for section, ps in groups:
            here = lambda o: ' aria-current="page"' if o == name else ''
            if section: nav += f'<p>{html.escape(section)}</p>'
            nav += '<ul>' + ''.join(f'<li><a href="{to(pages[o]["out"])}"{here(o)}>{html.escape(str(pages[o]["title"]))}</a></li>' for o in ps) + '</ul>'
        i = order.index(name) if name in order else None
        step = lambda j, cls, sign: '' if i is None or not 0 <= j < len(order) else \
            f'<a class="{cls}" href="{to(pages[order[j]]["out"])}">{sign.format(html.escape(str(pages[order[j]]["title"])))}</a>'
        text = frame
        for key, value in dict(root=to('.'), book=CFG['title'], title=html.escape(str(p['title'])), about=html.escape(str(p['about'])), nav=nav, toc=p['toc'],
                               body=re.sub(r'\b(href|src)="([^"]*)"', link, p['body']), source=BLOB + 'nbs/' + name, repo=CFG['git_url'],
                               previous=step((i or 0) - 1, 'previous', '← {}'), next=step((i or 0) + 1, 'next', '{} →')).items():
            text = text.replace('{{' + key + '}}', value)
        (site/p['out']).write_text(text, encoding='utf-8')
    return warned


# ---- what is broken

class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.silent, self.text, self.code = set(), [], [], [], 0
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if 'id' in a: self.ids.add(a['id'])
        if tag in ('pre', 'code', 'script', 'style'): self.code += 1
        self.links += [a[k] for k in ('href', 'src') if a.get(k)]
        if tag == 'img' and not (a.get('alt') or '').strip(): self.silent.append(a.get('src') or '')
    def handle_endtag(self, tag): self.code -= tag in ('pre', 'code', 'script', 'style')
    def handle_data(self, data):
        if not self.code: self.text.append(data)

def problems(site):
    "Broken links, anchors and pictures of the site; pictures without words; pages and sidebar that disagree."
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
        if re.search(r'^:::', ''.join(page.text), re.M): yield f'{name}: a ::: box is not closed or not opened'
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
    os.chdir(ROOT)
    if '--process' in sys.argv: return process()
    site = Path(sys.argv[1] if sys.argv[1:] else CFG['doc_path']).resolve()
    if site.exists():
        if any(site.iterdir()) and not (site/'site.css').exists(): sys.exit(f'{site} is not empty and holds no site')
        shutil.rmtree(site)
    bad = build(site) + list(problems(site))
    print('\n'.join(bad + [f'{len(list(site.rglob("*.html")))} pages in {site}, {len(bad)} problems']))
    return bool(bad)


if __name__ == '__main__': sys.exit(main())
