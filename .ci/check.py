"""What must hold besides the tests: python .ci/check.py [name of a check ...]

Each check yields one line per problem. Ends with 'N passed, M failed'."""
import ast, json, os, re, shutil, subprocess, sys, sysconfig, tempfile, time, zipfile
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml

from common import LIB, ROOMS, ROOT, SETTINGS, code_cells, load, notebooks, rel, run

KERNEL = dict(kernelspec=dict(display_name='python3', language='python', name='python3'))
WHEEL_LIMIT = 70_000_000       # bytes


@lru_cache(1)
def exports():
    "Module path inside the package -> notebook that exports it."
    found = {}
    for p in notebooks():
        for src in code_cells(load(p)):
            for name in re.findall(r'^#\|\s*default_exp\s+(\S+)', src, re.M):
                found.setdefault(name.replace('.', '/') + '.py', []).append(p)
    return found

def modules(lib):
    "Python files of the package that come from notebooks; an `__init__.py` only where a notebook exports it."
    found = {p.relative_to(lib).as_posix(): p for p in lib.rglob('*.py')}
    return {n: p for n, p in found.items() if p.name != '__init__.py' or n in exports()}

def copy_tree(to):
    "The files git tracks or would track, copied to `to`."
    listed = subprocess.run(['git', 'ls-files', '-z', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split('\0')):
        src, dst = ROOT/name, to/name
        if not src.exists() and not src.is_symlink(): continue
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(src, dst, follow_symlinks=False)
    return to


def check_notebooks():
    "There are notebooks; numbers are unique in their room (solutions have their chapters'); nothing is switched off as a whole"
    if not notebooks(): yield 'no notebook found under nbs/'
    seen = {}
    for p in notebooks():
        room, number = p.parent.name, re.match(r'(\d\d)_', p.name)
        if p.parent != ROOT/'nbs' and room not in ROOMS: yield f'{rel(p)}: unknown room {room!r}'
        if p.parent != ROOT/'nbs' and not number: yield f'{rel(p)}: the file name needs a two-digit number'
        key = room, p.name if room == 'solutions' else number and number[1]
        first = seen.setdefault(key, p) if number else p
        if first != p: yield f'{rel(p)}: number {number[1]} belongs to {rel(first)}'
        if any('skip_exec' in ''.join(c['source']) for c in load(p)['cells']): yield f'{rel(p)}: skip_exec'
        title = next((''.join(c['source']) for c in load(p)['cells'] if c['cell_type'] == 'markdown'), '')
        if not re.match(r'# \S.*\n+> \S', title): yield f'{rel(p)}: its first text does not open with "# Title" and "> what it is about"'
        for o in p.parent.glob('.notest'): yield f'{rel(o)}: switches every test of the room off'

def check_clean():
    "Notebooks are as nbdev_clean leaves them, their metadata name a kernel only; outputs hold no error, widget or path of a machine"
    from execnb.nbio import dict2nb, nb2str
    from nbdev.clean import _nbdev_clean
    for p in notebooks():
        text = p.read_text(encoding='utf-8')
        nb = dict2nb(json.loads(text))
        _nbdev_clean(nb)
        if nb2str(nb) != text: yield f'{rel(p)}: not clean, run: nbdev_clean --fname {rel(p)}'
        if nb.metadata != KERNEL: yield f'{rel(p)}: its metadata are {list(nb.metadata)}, not {KERNEL}'
        for c in json.loads(text)['cells']:
            for o in c.get('outputs', []):
                said = json.dumps({k: v for k, v in o.items() if k != 'data'}) + json.dumps(o.get('data', {}).get('text/plain', ''))
                if any('widget' in k for k in o.get('data', {})): yield f'{rel(p)}: an output is a widget, which needs a kernel: clear it'
                if o['output_type'] == 'error': yield f'{rel(p)}: saved with an error: {o.get("ename")}'
                if m := re.search(r'(/[\w.-]+)*/site-packages/|/home/\w+|/root/|/tmp/\w+|[A-Z]:\\\\\\\\Users', said):
                    yield f'{rel(p)}: an output names a path of a machine: {m[0]}'

def check_sync():
    "Every module is what its notebook exports, and each has the other"
    for name, nbs in exports().items():
        if len(nbs) > 1: yield f'{LIB}/{name}: exported by {" and ".join(map(rel, nbs))}'
        if not (ROOT/LIB/name).exists(): yield f'{rel(nbs[0])}: exports {LIB}/{name}, which is missing'
    have = modules(ROOT/LIB)
    for name in sorted(set(have) - set(exports()) - {'_modidx.py'}): yield f'{LIB}/{name}: no notebook exports it'
    with tempfile.TemporaryDirectory() as tmp:
        copy = copy_tree(Path(tmp)/'book')
        for p in modules(copy/LIB).values(): p.unlink()
        run('nbdev_export', cwd=copy, PYTHONPATH=str(copy))
        made = modules(copy/LIB)
        for name in sorted(set(made) & set(have)):
            if made[name].read_bytes() != have[name].read_bytes(): yield f'{LIB}/{name}: differs from its notebook, run: nbdev_export'
        for name in sorted(set(made) - set(have)): yield f'{LIB}/{name}: missing, run: nbdev_export'

def imported(source, package):
    "Absolute names of what `source`, a module inside `package`, imports: (line, name)."
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import): yield from ((node.lineno, a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split('.')[:len(package.split('.')) - node.level + 1] if node.level else []
            base = '.'.join(base + ([node.module] if node.module else []))
            yield from ((node.lineno, f'{base}.{a.name}') for a in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, 'attr', getattr(node.func, 'id', '')) in ('import_module', '__import__'):
            if node.args and isinstance(node.args[0], ast.Constant): yield node.lineno, str(node.args[0].value)

def plain(src):
    "A cell's Python without notebook magics."
    return '\n'.join('pass' if re.match(r'\s*[%!]', o) else o for o in src.splitlines())

def check_imports():
    "Imports run one way: foundations, data, parts, detection | recognition | kie, practice; in a room smaller numbers first"
    place = {}  # module name -> (rank of the room, number, room)
    for name, nbs in exports().items():
        if name in ('__init__.py', '__main__.py'): continue  # the front doors, open to all
        number = re.match(r'(\d\d)_', nbs[0].name)
        room = name.split('/')[0]
        if not number or room not in ROOMS: yield f'{rel(nbs[0])}: exports {name}, but has no number or room'; continue
        if nbs[0].parent.name != room: yield f'{rel(nbs[0])}: exports into another room, {name}'
        place[f'{LIB}.{name[:-3].replace("/", ".")}'] = ROOMS[room], int(number[1]), room
    for name, nbs in exports().items():
        me = f'{LIB}.{name[:-3].replace("/", ".")}'
        if me not in place: continue
        rank, number, room = place[me]
        path = ROOT/LIB/name
        cells = '\n'.join(plain(s) for s in code_cells(load(nbs[0])) if not s.lstrip().startswith('%%'))
        for kind, where, source in ('module', f'{LIB}/{name}', path.read_text(encoding='utf-8') if path.exists() else ''), ('cells', rel(nbs[0]), cells):
            for line, full in sorted(set(imported(source, me.rpartition('.')[0]))):
                if full.split('.')[0] != LIB or kind == 'cells' and full.startswith(f'{LIB}.foundations.hands_on'): continue  # exercises have it everywhere
                to = next((m for m in place if full == m or full.startswith(m + '.')), None)
                at = f'{where}:{line}' if kind == 'module' else where
                if to is None:
                    if kind == 'module' and room != 'practice' and full not in (f'{LIB}._modidx', f'{LIB}.{room}'): yield f'{at}: imports {full}, not a module of an earlier chapter'
                elif to == me:
                    if kind == 'module': yield f'{at}: imports itself'
                elif not (place[to][0] < rank or place[to][2] == room and place[to][1] < number):
                    yield f'{at}: {me} imports {to}, which comes later or stands beside it'

def check_house():
    "Chapters, modules, cells and lines are short enough; every chapter has all its parts; an exercise is solved somewhere; a name has one meaning; what begins with _ stays in its module"
    import house
    yield from house.blind()
    for p in notebooks():
        for o in house.cell_faults(load(p)): yield f'{rel(p)}: {o}'
    pages = {f'{p.parent.name}/{p.stem}': load(p) for p in notebooks()}
    for faults in house.answer_faults, house.page_faults, house.chapter_faults: yield from faults(pages)
    texts = {n: p.read_text(encoding='utf-8') for n, p in modules(ROOT/LIB).items() if not n.startswith('_')}
    for name, text in texts.items():
        for o in house.module_faults(text): yield f'{LIB}/{name}: {o}'
    yield from house.package_faults({n[:-3].replace('/', '.'): text for n, text in texts.items()})

def check_lab():
    "In JupyterLab every slider moves, once its notebook is run or trusted; before that it shows one frame"
    import lab
    yield from lab.problems()

def check_places():
    "Every model that a chapter makes has entered all places where a model must, and CONTRIBUTING.md names them"
    import places
    found = places.facts()
    yield from places.blind(found)
    yield from places.missing(found)
    yield from places.untold(found, (ROOT/'CONTRIBUTING.md').read_text(encoding='utf-8'))

def check_ruff():
    "No import or variable that nothing uses, no name that is not defined, is ambiguous or hides one of Python's"
    found = subprocess.run([sys.executable, '-m', 'ruff', 'check', '-q', '--no-cache', '--output-format', 'concise', '.'], cwd=ROOT,
                           capture_output=True, text=True)
    if found.returncode > 1: raise RuntimeError(found.stderr)
    yield from filter(None, found.stdout.splitlines())

def check_readme():
    "README.md is what index.ipynb says, and its leaderboard is that of data/leaderboard.json"
    if not (ROOT/'nbs/index.ipynb').exists(): yield 'nbs/index.ipynb is missing'; return
    import contents, readme
    text = readme.render()
    if not (ROOT/'README.md').exists() or (ROOT/'README.md').read_text(encoding='utf-8') != text:
        yield 'README.md differs from nbs/index.ipynb, run: python .ci/readme.py'
    if readme.markdown(contents.leaderboard()) not in text:
        yield 'README.md holds another leaderboard than data/leaderboard.json, run: python .ci/contents.py && python .ci/readme.py'
    yield from readme.broken(text)

# What Quarto or nbdev would stumble over, planted in the code cell `c` of a notebook to see that the check bites
PLANTS = dict(
    doubled=lambda c: c.update(source=['#| eval: false\n', '#| eval: false\n', 'x = 1']),
    colon=lambda c: c.update(source=['#| fig-alt: left: a word\n', 'x = 1']),
    string=lambda c: c.update(source='x = 1\ny = 2'),
    joined=lambda c: c.update(source=['x = 1\ny = 2']),
    hash=lambda c: c.update(source=['#| fig-alt: word #2 of the page\n', 'x = 1']),
    number=lambda c: c.update(source=['#| fig-alt: 12\n', 'x = 1']),
    typo=lambda c: c.update(source=['#| fig_alt: a word\n', 'x = 1']),
    twice=lambda c: c.update(source=['#| hide\n', '#| hide\n', 'x = 1']),
    both=lambda c: c.update(source=['#| export\n', '#| exporti\n', 'x = 1']),
    beside=lambda c: c.update(source=['#| slow eval: false\n', 'x = 1']),
    returns=lambda c: c.update(source=['x = 1\r\n', 'y = 2']),
    bare=lambda c: c.update(source=['#| fig-alt a word\n', 'x = 1']),
    folded=lambda c: c.update(source=['#| fig-alt: >-\n', '#|   a word\n', 'x = 1']),
    late=lambda c: c.update(source=['x = 1\n', '#| eval: false\n', 'y = 2']))
PAGE_PLANTS = dict(
    widget=lambda c: c.update(outputs=[dict(output_type='display_data', data={'application/vnd.jupyter.widget-view+json': {}})]),
    html=lambda c: c.update(outputs=[dict(output_type='display_data', data={'text/html': ['<b>x</b>']})]),
    directive=lambda c: c.update(source=['#| export\n', 'x = 1']))

# What a page makes of a text in the folder detection
MADE = {
    'a `DBHead`, `nothing`': 'a [`DBHead`](#dbhead), `nothing`',
    '`iou()`, `ocrbook.create_model`': '[`iou()`](../foundations/geometry.html#iou), [`ocrbook.create_model`](../practice/models.html#create_model)',
    '[the `DBHead`](21_dbnet.ipynb)': '[the `DBHead`](21_dbnet.ipynb)',
    '```\nx # `DBHead`\n```\n# `DBHead`': '```\nx # `DBHead`\n```\n# `DBHead`',
    '[data](../../data/LICENSES.md)': f"[data]({SETTINGS['DEFAULT']['git_url']}/blob/main/data/LICENSES.md)",
    '![A "sign"](a.png)': """![](a.png){fig-alt="A 'sign'"}""",
    '[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://b.c)': '[Open in Colab](https://b.c){.colab}'}

def bites(faults, plants):
    "Names of plants that `faults` does not see in a notebook that is otherwise right, each planted in a copy on disk."
    cell = lambda n: dict(cell_type='code', id=n, source=['#| fig-alt: "a: b"\n', 'f(1)'], outputs=[], metadata={}, execution_count=None)
    with tempfile.TemporaryDirectory() as tmp:
        for name, plant in dict(none=lambda c: None, **plants).items():
            nb = dict(cells=[cell('a'), cell('b')], metadata={}, nbformat=4, nbformat_minor=5)
            plant(nb['cells'][1])
            (path := Path(tmp)/f'{name}.ipynb').write_text(json.dumps(nb), encoding='utf-8')
            if bool(list(faults(load(path)))) == (name == 'none'): yield name

def check_heads():
    "The `#|` heads of cells are YAML without doubled keys, sources are lists of lines; every notebook opens in Colab"
    import docs, opening
    for name in bites(docs.faults, PLANTS): yield f'the check itself is wrong about a planted {name}'
    bare = dict(cells=[dict(cell_type=t, id=t, source=s.splitlines(True)) for t, s in (('markdown', '# A\n> b'), ('code', 'f(1)'))])
    fine = dict(cells=opening.opened(bare, 'kie/a.ipynb'))
    if fine == bare or opening.opened(fine, 'kie/a.ipynb') != fine['cells'] or opening.opened(fine, 'kie/b.ipynb') == fine['cells']:
        yield 'the check itself is wrong about how notebooks open'
    for p in notebooks():
        for o in docs.faults(load(p)): yield f'{rel(p)}: {o}'
        if opening.opened(nb := load(p), p.relative_to(ROOT/'nbs').as_posix()) != nb['cells']:
            yield f'{rel(p)}: no badge or no hidden cell that installs, run: python .ci/contents.py'

def check_docs():
    "The pages are as Quarto takes them; every link, anchor and picture in them is there; the sidebar holds every page; in a browser nothing overflows, sliders move"
    import docs
    faults = lambda nb: docs.faults(nb, processed=True)
    for name in bites(faults, PLANTS | PAGE_PLANTS): yield f'the check itself is wrong about a planted {name}'
    if str(ROOT) not in sys.path: sys.path.insert(1, str(ROOT))
    from ocrbook_docs import link_names, tidy
    for text, want in MADE.items():
        if (made := link_names(tidy(text, 'detection'), 'detection/dbnet.html')) != want: yield f'{text!r} becomes {made!r}'
    with tempfile.TemporaryDirectory() as tmp:
        yield from docs.build(Path(tmp)/'site')
        for p in docs.PROC.rglob('*.ipynb'):
            for o in faults(load(p)): yield f'{rel(p)}: {o}'
        yield from docs.problems(Path(tmp)/'site')
        import browser
        yield from browser.problems(Path(tmp)/'site')

def contrast(a, b):
    "Contrast of two colours, #rrggbb, from 1 to 21 (WCAG 2)."
    def light(colour):
        parts = [int(colour[i:i+2], 16)/255 for i in (1, 3, 5)]
        return sum(w*(c/12.92 if c <= .04045 else ((c+.055)/1.055)**2.4) for w, c in zip((.2126, .7152, .0722), parts))
    low, high = sorted([light(a), light(b)])
    return (high+.05)/(low+.05)

def pale(css, scss, theme):
    "Colours of a theme that cannot be read, or differ between styles.css and the theme's variables."
    found = re.search(r'body\.quarto-' + theme + r' \{([^}]*)\}', css)
    c = dict(re.findall(r'--(\w+): (#[0-9a-f]{6})', found[1] if found else ''))
    for ink in 'text', 'soft', 'link':
        for ground in 'page', 'box':
            if not {ink, ground} <= set(c): yield f'{theme}: styles.css lacks --{ink} or --{ground}'
            elif (x := contrast(c[ink], c[ground])) < 4.5: yield f'{theme}: --{ink} on --{ground} has a contrast of {x:.2f}, below 4.5'
    for key, mine in ('link-color', 'link'), ('body-bg', 'page'), ('body-color', 'text'), ('gray-600', 'soft'):
        if f'${key}: {c.get(mine)};' not in scss: yield f'{theme}.scss: ${key} is not {c.get(mine)}, which styles.css says'
    if '$web-font-path: false;' not in scss: yield f'{theme}.scss: the theme fetches a font from another host'

def check_style():
    "Text and links can be read in both themes; the themes fetch nothing"
    if not 4.53 < contrast('#767676', '#ffffff') < 4.55 or contrast('#000000', '#ffffff') != 21: yield 'the contrast is computed wrongly'
    css = (ROOT/'nbs/styles.css').read_text(encoding='utf-8')
    for theme in 'light', 'dark':
        scss = (ROOT/f'nbs/{theme}.scss').read_text(encoding='utf-8')
        yield from pale(css, scss, theme)
        if not list(pale(re.sub('--link: #......', '--link: #18bc9c' if theme == 'light' else '--link: #375a7f', css), scss, theme)):
            yield f'{theme}: a link too pale is not seen'

def declared(key):
    "Names of the packages in a line of settings.ini."
    return {plain_name(re.match(r'[\w.-]+', o)[0]) for o in SETTINGS['DEFAULT'].get(key, '').split()}

def plain_name(package): return re.sub(r'[-_.]+', '-', package).lower()

installed = lru_cache(1)(packages_distributions)  # module -> packages that bring it

def needs(source):
    "What a module imports from elsewhere: (line, name, packages that bring it, is it imported when the module is?, does the module say so where it is missing?)."
    tree = ast.parse(source)
    tried = {id(o) for t in ast.walk(tree) if isinstance(t, ast.Try) and 'ImportError' in ast.dump(t) for b in t.body for o in ast.walk(b)}
    for node in ast.walk(tree):
        by_name = isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'need' and node.args and isinstance(node.args[0], ast.Constant)
        if isinstance(node, ast.Import): names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level: names = [node.module]
        elif by_name: names = [node.args[0].value]
        else: continue
        for name in {o.split('.')[0] for o in names} - {LIB} - set(sys.stdlib_module_names):
            yield node.lineno, name, {plain_name(o) for o in installed().get(name, [name])}, node in tree.body, by_name or id(node) in tried

LEAN = '''import sys
from importlib.metadata import packages_distributions
sys.modules['torch'] = sys.modules['torchvision'] = None   # an import is an error
import ocrbook, ocrbook.practice.cli
ocrbook.extract('data/samples/road.jpg')[0].save(sys.argv[1])
of = packages_distributions()
print(*{p for m, loaded in sys.modules.items() if loaded for p in of.get(m.split('.')[0], [])})'''

def check_requirements():
    "What the package imports is required in settings.ini; what is required is imported; reading without torch needs what `lean` names; pins and hashes name the same versions"
    base, used = declared('requirements'), set()
    extra = set().union(*(declared(k) for k in SETTINGS['DEFAULT'] if k.endswith('_requirements') and k not in ('dev_requirements', 'book_requirements')))
    def missing(source):
        for line, name, packages, top, told in needs(source):
            used.update(packages)
            if not told and not packages & (base if top else base | extra): yield line, name
    for line, wrong in ('import execnb', True), ('def f():\n    from yaml import load', True), ('import os, numpy.random', False), \
            ('try: import execnb\nexcept ImportError: raise', False), ('try: import execnb\nexcept ValueError: raise', True), ("need('yaml.loader')", False), ('need()', False):
        if bool(list(missing(line))) != wrong: yield f'the check itself is wrong about {line!r}'
    if not {'pyyaml', 'execnb', 'numpy'} <= used: yield 'the check itself does not see that a package is used'
    used.clear()
    for p in modules(ROOT/LIB).values():
        for line, name in missing(p.read_text(encoding='utf-8')): yield f'{rel(p)}:{line}: imports {name}, which settings.ini does not require'
    for o in sorted((base | extra) - used): yield f'settings.ini requires {o}, which nothing imports'
    pins, lock = (dict(re.findall(r'^([\w.-]+)==([^\s;\\]+)', (ROOT/n).read_text(encoding='utf-8'), re.M)) for n in ('constraints.txt', 'requirements.lock'))
    if pins != lock: yield f'constraints.txt and requirements.lock differ in {dict(pins.items() ^ lock.items())}, run: python .ci/lock.py'
    for o in sorted((base | extra | declared('dev_requirements') | declared('book_requirements')) - set(pins)):
        yield f'constraints.txt lacks {o}, run: python .ci/lock.py'

    lean = dict(re.findall(r'^([\w.-]+)==([^\s;]+)', (ROOT/'requirements-lean.txt').read_text(encoding='utf-8'), re.M))
    if lean != {n: pins.get(n) for n in SETTINGS['DEFAULT']['lean'].split()}: yield 'requirements-lean.txt differs from settings.ini or constraints.txt, run: python .ci/lock.py --lean'
    with tempfile.TemporaryDirectory() as tmp: loaded = set(map(plain_name, run(sys.executable, '-c', LEAN, Path(tmp)/'page.pdf').split()))
    if not {'numpy', 'onnxruntime', 'pypdfium2'} <= loaded: yield f'reading without torch loads only {sorted(loaded)}: the check itself is wrong'
    for o in sorted(loaded - set(lean) - {LIB, 'setuptools'}): yield f'reading without torch loads {o}, which `lean` in settings.ini does not name'

def check_graphs():
    "Beside each file of weights lies the graph that points into it, and no other"
    if str(ROOT) not in sys.path: sys.path.insert(1, str(ROOT))
    from ocrbook.practice.onnx_files import check_weights, read_notes
    folder = ROOT/LIB/'weights'
    for path in sorted({p.with_suffix('.onnx') for p in folder.iterdir() if p.suffix != '.json'}):
        try:
            notes = read_notes(path)
            check_weights(path, notes)
            for name in json.loads(notes.get('graphs', '{}')).values():
                if read_notes(path.with_name(name)).get('export') != notes.get('export'): yield f'{rel(path)}: {name} is of another export'
            if notes.get('part_of'): continue  # pointed into by the graph that names it
            if notes.get('weights') != f'{path.stem}.safetensors': yield f'{rel(path)}: points nowhere'
        except ValueError as e: yield f'{e}; run: python .ci/graphs.py {path.stem}'

def check_workflows():
    "Actions are pinned by commit, with the version beside it; only the deploying job may write"
    for p in sorted((ROOT/'.github/workflows').glob('*.yml')):
        text = p.read_text(encoding='utf-8')
        for line in re.findall(r'uses:.*', text):
            if not re.fullmatch(r'uses: [\w./-]+@[0-9a-f]{40} # v[\d.]+', line.strip()): yield f'{rel(p)}: not pinned by commit and version: {line}'
        flow = yaml.safe_load(text)
        if flow.get('permissions') != {'contents': 'read'}: yield f'{rel(p)}: its jobs may do more than read'
        for name, job in flow['jobs'].items():
            if job.get('permissions') and name != 'deploy': yield f'{rel(p)}: job {name} has permissions of its own'

def broken_links(text):
    "Links of a text in Markdown that lead nowhere on another site."
    text = re.sub(r'^```.*?^```|`[^`\n]*`', '', text, flags=re.M | re.S)
    return [u for u in re.findall(r'\]\(([^)\s]+)\)', text) if not re.match(r'https?://|#|mailto:', u)]

def beside(env):
    "A fresh environment that sees this one's packages, but not the book's: its Python, and where its own packages lie."
    run(sys.executable, '-m', 'venv', '--without-pip', env)
    python = env/('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
    own = Path(run(python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))').strip())
    (own/'beside.pth').write_text(sysconfig.get_path('purelib'))
    return python, own

OPEN = '''import sys
from execnb.nbio import read_nb
from execnb.shell import CaptureShell
CaptureShell().run_all(read_nb(sys.argv[1]), exc_stop=True)
import ocrbook
print(ocrbook.__file__)'''

def opens(page, dist, tmp):
    "Run a page where only the page is, as in Colab: its first cell has to bring package and data, here from `dist` in place of the package index."
    (away := tmp/f'away_{Path(page).stem}').mkdir()
    python, _ = beside(env := tmp/f'env_{Path(page).stem}')
    if 'No module' not in run(python, '-c', f'try: import {LIB}\nexcept ImportError as e: print(e)', cwd=away, PYTHONPATH=''): yield 'the check itself is wrong: the package is there before'
    shutil.copy(ROOT/'nbs'/page, away)
    said = run(python, '-c', OPEN, Path(page).name, cwd=away, PYTHONPATH='', PIP_NO_INDEX='1', PIP_FIND_LINKS=str(dist), PIP_NO_BUILD_ISOLATION='0',
               VIRTUAL_ENV=str(env))  # else IPython adds the packages of the one that is active
    if str(tmp) not in said: yield f'{page}: runs with {said.strip().splitlines()[-1:]}'

def reads(name, archive, tmp):
    "Install an archive beside this environment's packages and read a photo from another folder; yields what is wrong."
    photo = ROOT/'data/samples/road.jpg'
    python, own = beside(tmp/name)
    run(sys.executable, '-m', 'pip', '--python', python, 'install', '-q', '--no-deps', '--no-index', '--no-build-isolation', '--ignore-installed', archive, cwd=tmp)
    at = run(python, '-c', f'import {LIB}; print({LIB}.__file__)', cwd=tmp, PYTHONPATH='').strip()
    if not at.startswith(str(own)): yield f'{name}: read with {at}'
    said = run(python.parent/LIB, 'read', photo, cwd=tmp, PYTHONPATH='')
    lines = (ROOT/'data/samples/labels.jsonl').read_text(encoding='utf-8').splitlines()
    truth = next(o for o in map(json.loads, lines) if o['file'].endswith(photo.name))['instances']
    words = [o['text'] for o in truth if not o['ignore']]
    hit = sum(w.lower() in said.lower() for w in words)
    if 2*hit < len(words): yield f'{name} reads {hit} of the {len(words)} words of {rel(photo)}:\n{said}'

def check_packages():
    "Sdist and wheel hold every sub-package, word list and weight, and py.typed; each is installed and reads a photo; their README leads somewhere; a page opens with its release"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        run(sys.executable, '-m', 'build', '--no-isolation', '-o', tmp/'dist', copy_tree(tmp/'book'))  # the wheel from the sdist
        sdist, wheel = (next((tmp/'dist').glob(o)) for o in ('*.tar.gz', '*.whl'))
        with zipfile.ZipFile(wheel) as z:
            held = {i.filename: i.file_size for i in z.infolist()}
            about = z.read(next(n for n in held if n.endswith('/METADATA'))).decode()
        for url in broken_links(about): yield f'its description links to {url}, which is not there on a package index'
        if not broken_links('[a](nbs/b.ipynb)') or broken_links('[a](https://b.c/d)'): yield 'the check of links does not bite'
        lib = ROOT/LIB
        want = [lib/'py.typed', *(p for p in lib.rglob('*') if p.suffix in ('.py', '.txt', '.html', '.safetensors', '.onnx', '.json')
                                  and '__pycache__' not in p.parts)]
        for p in want:
            if not p.exists(): yield f'{rel(p)} is missing'
            elif held.get(rel(p)) != p.stat().st_size: yield f'{rel(p)} is not in the wheel'
        for d in sorted({p.parent for p in want if p.suffix == '.py'}):
            if not (d/'__init__.py').exists(): yield f'{rel(d)}/__init__.py is missing'
        for n in held:
            if not re.match(rf'{LIB}(/|-[\d.]+\.dist-info/)', n): yield f'the wheel holds {n}'
        if (n := wheel.stat().st_size) > WHEEL_LIMIT: yield f'a wheel of {n/1e6:.1f} MB, more than {WHEEL_LIMIT/1e6:.0f} MB'
        for name, archive in ('wheel', wheel), ('sdist', sdist): yield from reads(name, archive, tmp)
        for page in 'start/02_curves.ipynb', 'foundations/14_hands_on.ipynb': yield from opens(page, sdist.parent, tmp)  # reads data, exports


def main():
    checks = {k[6:]: f for k, f in globals().items() if k.startswith('check_')}
    names = sys.argv[1:] or list(checks)
    if unknown := set(names) - set(checks): print(f'unknown: {", ".join(unknown)}; there are {", ".join(checks)}'); return 2
    os.chdir(ROOT)
    passed = 0
    for name in names:
        start = time.monotonic()
        try: bad = list(checks[name]())
        except Exception as e: bad = [f'{type(e).__name__}: {e}']
        passed += not bad
        print(f'{"FAIL" if bad else "ok  "} {time.monotonic() - start:6.1f} s  {name}: {checks[name].__doc__.splitlines()[0]}', flush=True)
        for o in bad: print('     | ' + o.replace('\n', '\n     | '), flush=True)
    print(f'{passed} passed, {len(names) - passed} failed')
    return int(passed < len(names))


if __name__ == '__main__': sys.exit(main())
