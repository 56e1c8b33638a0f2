"""What must hold besides the tests: python .ci/check.py [name of a check ...]

Each check yields one line per problem. Ends with 'N passed, M failed'."""
import ast, json, os, re, shutil, subprocess, sys, tempfile, time, zipfile
from configparser import ConfigParser
from functools import lru_cache
from pathlib import Path

from test import ROOT, notebooks

SETTINGS = ConfigParser(interpolation=None)
SETTINGS.read(ROOT/'settings.ini', encoding='utf-8')
LIB = SETTINGS['DEFAULT']['lib_path']
ROOMS = dict(foundations=0, data=1, parts=2, detection=3, recognition=3, kie=3, practice=4)
WEIGHTS = 'dbnet_r18', 'crnn'  # shipped inside the wheel
WEIGHT_LIMIT = 45_000_000      # bytes, all of them together


def rel(path): return path.relative_to(ROOT).as_posix()

def load(path): return json.loads(path.read_text(encoding='utf-8'))

def code_cells(nb): return [''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'code']

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

def run(*cmd, cwd=ROOT, **env):
    "Run a command; its output, or an error that shows the end of it."
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    done = subprocess.run(list(map(str, cmd)), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=dict(os.environ, PATH=here, OMP_NUM_THREADS='1', **env))
    if done.returncode: raise RuntimeError(f'{Path(cmd[0]).name} failed:\n' + (done.stdout + done.stderr)[-4000:])
    return done.stdout + done.stderr

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
    "There are notebooks; numbers are unique and in their room; nothing is switched off as a whole"
    if not notebooks(): yield 'no notebook found under nbs/'
    seen = {}
    for p in notebooks():
        room, number = p.parent.name, re.match(r'(\d\d)_', p.name)
        if p.parent != ROOT/'nbs' and room not in ROOMS: yield f'{rel(p)}: unknown room {room!r}'
        if p.parent != ROOT/'nbs' and not number: yield f'{rel(p)}: the file name needs a two-digit number'
        if number and seen.setdefault(number[1], p) != p: yield f'{rel(p)}: number {number[1]} belongs to {rel(seen[number[1]])}'
        if any('skip_exec' in ''.join(c['source']) for c in load(p)['cells']): yield f'{rel(p)}: skip_exec'
        title = next((''.join(c['source']) for c in load(p)['cells'] if c['cell_type'] == 'markdown'), '')
        if not re.match(r'# \S.*\n+> \S', title): yield f'{rel(p)}: its first text does not open with "# Title" and "> what it is about"'
        for o in p.parent.glob('.notest'): yield f'{rel(o)}: switches every test of the room off'

def check_clean():
    "Notebooks are as nbdev_clean leaves them; outputs hold no error and no path of a machine"
    from execnb.nbio import dict2nb, nb2str
    from nbdev.clean import _nbdev_clean
    for p in notebooks():
        text = p.read_text(encoding='utf-8')
        nb = dict2nb(json.loads(text))
        _nbdev_clean(nb)
        if nb2str(nb) != text: yield f'{rel(p)}: not clean, run: nbdev_clean --fname {rel(p)}'
        for c in json.loads(text)['cells']:
            for o in c.get('outputs', []):
                said = json.dumps({k: v for k, v in o.items() if k != 'data'}) + json.dumps(o.get('data', {}).get('text/plain', ''))
                if o['output_type'] == 'error': yield f'{rel(p)}: saved with an error: {o.get("ename")}'
                if m := re.search(r'(/[\w.-]+)*/site-packages/|/home/\w+|/root/|[A-Z]:\\\\\\\\Users', said):
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
    "Imports run one way: foundations, data, parts, detection | recognition | kie, practice; smaller numbers first"
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
                if full.split('.')[0] != LIB: continue
                to = next((m for m in place if full == m or full.startswith(m + '.')), None)
                at = f'{where}:{line}' if kind == 'module' else where
                if to is None:
                    if kind == 'module' and room != 'practice' and full not in (f'{LIB}._modidx', f'{LIB}.{room}'): yield f'{at}: imports {full}, not a module of an earlier chapter'
                elif to == me:
                    if kind == 'module': yield f'{at}: imports itself'
                elif not (place[to][1] < number and (place[to][0] < rank or place[to][2] == room)):
                    yield f'{at}: {me} imports {to}, which comes later or stands beside it'

def check_readme():
    "README.md is what index.ipynb says"
    if not (ROOT/'nbs/index.ipynb').exists(): yield 'nbs/index.ipynb is missing'; return
    import readme
    text = readme.render()
    if not (ROOT/'README.md').exists() or (ROOT/'README.md').read_text(encoding='utf-8') != text:
        yield 'README.md differs from nbs/index.ipynb, run: python .ci/readme.py'
    yield from readme.broken(text)

def check_docs():
    "The site builds; every link, anchor and picture in it is there; the sidebar holds every page"
    import docs
    with tempfile.TemporaryDirectory() as tmp:
        docs.build(Path(tmp)/'site')
        yield from docs.problems(Path(tmp)/'site')

def check_wheel():
    "The wheel holds every sub-package, word list and weight, and reads a photo on its own"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        run(sys.executable, '-m', 'pip', 'wheel', '-q', '.', '--no-deps', '-w', tmp/'wheel', cwd=copy_tree(tmp/'book'))
        wheels = list((tmp/'wheel').glob('*.whl'))
        if len(wheels) != 1: yield f'{len(wheels)} wheels were built'; return
        with zipfile.ZipFile(wheels[0]) as z: held = {i.filename: i.file_size for i in z.infolist()}
        lib = ROOT/LIB
        want = [p for p in lib.rglob('*') if p.suffix in ('.py', '.txt', '.safetensors', '.json') and '__pycache__' not in p.parts]
        for p in want:
            if held.get(rel(p)) != p.stat().st_size: yield f'{rel(p)} is not in the wheel'
        for d in sorted({p.parent for p in want if p.suffix == '.py'}):
            if not (d/'__init__.py').exists(): yield f'{rel(d)}/__init__.py is missing'
        for room in {p.split('/')[0] for p in exports() if '/' in p}:
            if f'{LIB}/{room}/__init__.py' not in held: yield f'sub-package {LIB}.{room} is not in the wheel'
        if f'{LIB}/data/words.txt' not in held: yield f'{LIB}/data/words.txt is not in the wheel'
        weights = {n: s for n, s in held.items() if n.startswith(f'{LIB}/weights/') and n.endswith('.safetensors')}
        for name in WEIGHTS:
            if not any(Path(n).name.startswith(name) and s > 1000 for n, s in weights.items()): yield f'no weights for {name} in the wheel'
        if sum(weights.values()) > WEIGHT_LIMIT: yield f'weights of {sum(weights.values())/1e6:.1f} MB, more than {WEIGHT_LIMIT/1e6:.0f} MB'
        if not all(any(Path(n).name.startswith(o) for n in weights) for o in WEIGHTS): return
        with zipfile.ZipFile(wheels[0]) as z: z.extractall(tmp/'site')
        photos = sorted((ROOT/'data/samples').glob('*.jpg'))
        if not photos: yield 'no photo in data/samples'; return
        start = f'import {LIB}; print({LIB}.__file__); from {LIB}.practice.cli import main; main()'
        first, *said = run(sys.executable, '-c', start, 'read', photos[0], cwd=tmp, PYTHONPATH=str(tmp/'site')).splitlines()
        if not first.startswith(str(tmp/'site')): yield f'read with {first}, not with the wheel'
        lines = (ROOT/'data/samples/labels.jsonl').read_text(encoding='utf-8').splitlines()
        truth = next(o for o in map(json.loads, lines) if o['file'].endswith(photos[0].name))['instances']
        words, text = [o['text'] for o in truth if not o['ignore']], ' '.join(said).lower()
        hit = sum(w.lower() in text for w in words)
        if 2*hit < len(words): yield f'the wheel reads {hit} of the {len(words)} words of {rel(photos[0])}:\n' + '\n'.join(said)


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
