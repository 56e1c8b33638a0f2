"""The rules of the house that a machine can see: how long a cell, a chapter and a module may be, and what a module shows."""
import ast, re
from collections import defaultdict

import chapters

CELLS, CELL, LINE, MODULE, NAMES = 60, 30, 100, 450, 300  # code cells, lines, columns, lines, exported names
BOUNDS = dict(words=3500, minutes=75, figures=24)  # of a page, at most
# Chapters owe their readers what `chapter_faults` looks for; those of models stand at numbers of their own, overviews and shared parts at others
CHAPTERS = re.compile(r'(foundations|data|parts|detection|recognition|kie|practice)/')
MODELS = re.compile(r'(detection|recognition|kie)/(?!19_)\d[1-9]_')


def cell_faults(nb):
    "Cells and lines of a notebook that are too long; heads (`#|`) are not counted as lines of a cell."
    code = [''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'code' and c.get('id') != 'setup']
    if any('default_exp' in s for s in code) and len(code) > CELLS: yield f'{len(code)} code cells, at most {CELLS}'
    for s in code:
        lines = [o for o in s.splitlines() if not o.startswith('#|')]
        if len(lines) > CELL: yield f'a cell of {len(lines)} lines, at most {CELL}: {lines[0][:60]}'
        for o in s.splitlines():
            if len(o) > LINE: yield f'a line of {len(o)} columns, at most {LINE}: {o.strip()[:60]}'

def exported(tree):
    "Names in `__all__` of a module."
    return next((ast.literal_eval(n.value) for n in tree.body
                 if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '') == '__all__'), [])

def patched(node): return any(getattr(d, 'id', '') == 'patch' for d in node.decorator_list)

def module_faults(source):
    "What is wrong with one exported module, given its text."
    tree, lines = ast.parse(source), source.count('\n')
    if lines > MODULE: yield f'{lines} lines, at most {MODULE}'
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    for n in tree.body:
        if not isinstance(n, ast.Assign): continue
        for t in (o for target in n.targets for o in (target.elts if isinstance(target, ast.Tuple) else [target])):
            if isinstance(t, ast.Attribute) and getattr(t.value, 'id', '') in classes and any(
                    getattr(v, 'id', '') in functions for v in ast.walk(n.value)):
                yield f'{t.value.id}.{t.attr} is assigned from outside: write it in the class, or with @patch'
    for name in exported(tree):
        methods = [m for m in classes[name].body if isinstance(m, ast.FunctionDef)] if name in classes else []
        for f in [functions[name]] if name in functions else methods:
            if f.returns is None and not f.name.startswith('_') and f.name != 'forward': yield f'{name}: {f.name} does not say what it returns'

def package_faults(modules):
    "What is wrong between modules: `modules` maps a dotted path, such as parts.necks, to a text."
    trees = {m: ast.parse(s) for m, s in modules.items()}
    owners, shown = defaultdict(set), defaultdict(list)
    for m, tree in trees.items():
        for n in tree.body:
            if isinstance(n, ast.ClassDef | ast.FunctionDef) and not n.name.startswith('_') and not (isinstance(n, ast.FunctionDef) and patched(n)):
                owners[n.name].add(m)
        for name in exported(tree): shown[name].append(m)
    for name, ms in owners.items():
        if len(ms) > 1: yield f'{name} is defined in {" and in ".join(sorted(ms))}: one name, one meaning'
    if len(shown) > NAMES: yield f'{sum(map(len, shown.values()))} names are exported, at most {NAMES}'
    for m, tree in trees.items():
        for n in ast.walk(tree):
            if not isinstance(n, ast.ImportFrom) or not n.level: continue
            base = m.split('.')[:-n.level] if len(m.split('.')) >= n.level else []
            came = '.'.join([*base, *filter(None, [n.module])])
            for a in n.names:
                if a.name.startswith('_') and f'{came}.{a.name}' not in modules and came in modules:
                    yield f'{m} imports {a.name} from {came}, which keeps it for itself'

def answer_faults(notebooks):
    "Open exercises without a worked solution: `notebooks` maps 'room/name' to a notebook."
    code = {name: '\n'.join(''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'code') for name, nb in notebooks.items()}
    for name, text in code.items():
        solved = code.get('solutions/' + name.split('/')[-1], '')
        for digest in re.findall(r"^answer = \.\.\..*\ncheck_answer\(answer, '(\w+)'", text, re.M):
            if not re.search(rf"check_answer\(answer, '{digest}'", solved): yield f'{name}: no worked solution for the check of {digest}'


def page_faults(notebooks):
    "Pages that are too long to be read in one go."
    for name, nb in notebooks.items():
        for key, most in BOUNDS.items():
            if (n := chapters.measure(nb)[key]) > most and name != 'nbs/index': yield f'{name}: {n} {key}, at most {most}'

def chapter_faults(notebooks):
    "Chapters without what each has: what it needs and gives, a summary, two exercises that answer, solutions; of a model also its architecture drawn, its worth measured and a slider."
    for name, nb in notebooks.items():
        if not CHAPTERS.match(name): continue
        n, prose = chapters.measure(nb), '\n'.join(''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown')
        for words in '**You need**', '**You will be able to**':
            if words not in prose: yield f'{name}: does not say "{words} …"'
        for head in ('Worth it?', 'In short') if MODELS.match(name) else ('In short',):
            if not chapters.section(nb, head).strip(): yield f'{name}: no section "## {head}"'
        if n['with a check'] < 2: yield f'{name}: {n["with a check"]} exercises check an answer, at least 2'
        if MODELS.match(name) and not n['sliders']: yield f'{name}: no slider'
        if MODELS.match(name) and not any('show_architecture(' in ''.join(c['source']) for c in nb['cells']): yield f'{name}: no architecture drawn from the model'
        if 'solutions/' + name.split('/')[-1] not in notebooks: yield f'{name}: no notebook of solutions'

def _chapter(less='', words=10, name='detection/21_a', check="answer = ...\ncheck_answer(answer, 'b')"):
    "A chapter of a model that is sound, but for what is left out."
    parts = dict(need='**You need** time.', able='**You will be able to** see.', worth='## Worth it?\nyes\n', short='## In short\nyes\n', one=check, two=check,
                 slider='slider(draw, [1, 2])', drawn='show_architecture(net, x, {})')
    cells = [dict(cell_type='code' if k in ('one', 'two', 'slider', 'drawn') else 'markdown', source=[v],
                  outputs=[dict(data={'text/html': ['<div class="slide">']})]*(k == 'slider')) for k, v in parts.items() if k != less]
    found = {name: dict(cells=[*cells, dict(cell_type='markdown', source=['word '*words])])}
    return found if less == 'solutions' else found | {'solutions/21_a': dict(cells=[])}

PLANTS = dict(  # fault -> what sees it, and what it is shown
    cells=(cell_faults, dict(cells=[dict(cell_type='code', source=['#| default_exp a'])]*(CELLS+1))),
    cell=(cell_faults, dict(cells=[dict(cell_type='code', source=['x = 1\n']*(CELL+1))])),
    line=(cell_faults, dict(cells=[dict(cell_type='code', source=['x = ' + '1'*LINE])])),
    module=(module_faults, 'x = 1\n'*(MODULE+1)),
    method=(module_faults, 'class A: pass\ndef f(self): return 1\nA.f, A.n = f, 2\n'),
    returns=(module_faults, "__all__ = ['f']\ndef f(): return 1\n"),
    meaning=(package_faults, {'parts.a': 'def shrink(): pass\n', 'kie.b': 'class shrink: pass\n'}),
    private=(package_faults, {'parts.a': '_x = 1\n', 'kie.b': 'from ..parts.a import _x\n'}),
    beside=(package_faults, {'parts.a': '_x = 1\n', 'parts.b': 'def f():\n    from .a import _x\n'}),
    answer=(answer_faults, {'kie/a': dict(cells=[dict(cell_type='code', source=["answer = ...\n", "check_answer(answer, 'b')"])])}),
    words=(page_faults, _chapter(words=BOUNDS['words']+1)),
    worth=(chapter_faults, _chapter('worth')), short=(chapter_faults, _chapter('short')), checks=(chapter_faults, _chapter('one')),
    still=(chapter_faults, _chapter('slider')), drawn=(chapter_faults, _chapter('drawn')), unsolved=(chapter_faults, _chapter('solutions')),
    need=(chapter_faults, _chapter('need')), able=(chapter_faults, _chapter('able', name='practice/21_a')),
    names=(package_faults, {'a': f'__all__ = {[f"n{i}" for i in range(NAMES+1)]}\n'}))
SOUND = (
    (page_faults, _chapter()), (chapter_faults, _chapter()), (chapter_faults, _chapter('worth', name='parts/21_a')), (chapter_faults, _chapter('short', name='porting/21_a')),
    (cell_faults, dict(cells=[dict(cell_type='code', source=['#| eval: false\n', *['x = 1\n']*CELL])]*CELLS)),
    (answer_faults, {'kie/a': dict(cells=[dict(cell_type='code', source=["answer = ...\n", "check_answer(answer, 'b')"])]),
                     'solutions/a': dict(cells=[dict(cell_type='code', source=["answer = 1\n", "check_answer(answer, 'b')"])])}),
    (module_faults, "__all__ = ['A', 'f']\nclass A:\n    def __init__(self): pass\n    def g(self) -> int: return 1\n"
                    "def f() -> int: return 1\n" + 'x = 1\n'*(MODULE-6) + 'A.size = 3\n'),
    (package_faults, {'parts.a': "__all__ = ['x']\nx = 1\n@patch\ndef go(self): pass\n", 'kie.b': 'from ..parts.a import x\n@patch\ndef go(self): pass\n'}))

def blind():
    "Planted faults that are not seen, and sound code that is called faulty."
    for name, (see, shown) in PLANTS.items():
        if not list(see(shown)): yield f'a planted fault is not seen: {name}'
    for see, shown in SOUND:
        for o in see(shown): yield f'sound code is called faulty: {o}'
