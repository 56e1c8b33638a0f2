"""Where a model must enter, and which models have not: python .ci/check.py places

A factory is a function of a chapter that makes a whole model without being given a part of it. Each factory must stand in every place below; the
same places are the table of CONTRIBUTING.md."""
import ast, json, re, sys

from common import ROOT, code_cells, load

MADE = 'TextDetector', 'TextRecognizer', 'SegRecognizer', 'SDMGR'  # what a factory says it returns, or a class made of it
OVERVIEW = dict(detection='detection/20_overview', recognition='recognition/40_overview', kie='kie/60_overview')


def factories(source):
    "Names of the factories in a module, given its text."
    tree, made = ast.parse(source).body, set(MADE)
    made.update(c.name for c in tree if isinstance(c, ast.ClassDef) and made & {getattr(b, 'id', '') for b in c.bases})
    for f in tree:
        if not isinstance(f, ast.FunctionDef) or getattr(f.returns, 'id', '') not in made or f.name.startswith('_'): continue
        if len(f.args.args) == len(f.args.defaults): yield f.name

def facts():
    "Place -> names that are there; 'factories' -> name of each factory: its chapter, as room/module."
    if str(ROOT) not in sys.path: sys.path.insert(0, str(ROOT))
    from ocrbook.practice.models import MODELS
    from ocrbook.practice.tensor_names import RULES
    made = {name: f'{room}/{p.stem}' for room in OVERVIEW for p in sorted((ROOT/'ocrbook'/room).glob('*.py')) for name in factories(p.read_text(encoding='utf-8'))}
    text = lambda nb: '\n'.join(''.join(c['source']) for c in load(ROOT/f'nbs/{nb}.ipynb')['cells'])
    shown = {room: text(nb) for room, nb in OVERVIEW.items()}
    tables = '\n'.join(''.join(o.get('data', {}).get('text/markdown', '')) for c in load(ROOT/'nbs/rooms.ipynb')['cells'] for o in c.get('outputs', []))
    chapter = {}  # room/module -> file of its notebook
    for p in (ROOT/'nbs').glob('*/*.ipynb'):
        for m in re.findall(r'^#\| default_exp (\S+)', '\n'.join(code_cells(load(p))), re.M): chapter[m.replace('.', '/')] = p.name
    recipes = '\n'.join(p.read_text(encoding='utf-8') for p in (ROOT/'recipes').rglob('*.toml'))
    return {
        'factories': made,
        'practice/71_models.ipynb': set(MODELS),
        'practice/67_tensor_names.ipynb': set(RULES),
        'rooms.ipynb': set(re.findall(r'^\| \[(\w+)\]', tables, re.M)),
        'the overview of its task': {n for n, home in made.items() if chapter.get(home, '?') in shown[home.split('/')[0]]},
        'recipes': {n for n in made if re.search(rf'\b{n}\b', recipes)},
        'data/exported.json': set(json.loads((ROOT/'data/exported.json').read_text(encoding='utf-8')))}

def missing(found):
    "Models that have not entered somewhere."
    for name, home in found['factories'].items():
        for place, names in found.items():
            if place != 'factories' and name not in names: yield f'{name} ({home}) is not in {place}'
    for name in sorted(found['practice/71_models.ipynb'] - set(found['factories'])): yield f'{name} stands in MODELS, but no chapter makes it'

def untold(found, table):
    "Places that the table of CONTRIBUTING.md does not name."
    for place in found:
        if place != 'factories' and place not in table: yield f'CONTRIBUTING.md does not say that a model must enter {place}'

def blind(found):
    "Planted faults that are not seen: a model taken out of each place, a model that no chapter makes, a factory nobody knows, a place untold."
    name = 'dbnet_r18'
    plants = {place: found | {place: names - {name}} for place, names in found.items() if place != 'factories'}
    plants['a model without a chapter'] = found | {'practice/71_models.ipynb': found['practice/71_models.ipynb'] | {'yolo'}}
    plants['a new factory'] = found | dict(factories=found['factories'] | {'dbnet_r19': 'detection/dbnet'})
    before = set(missing(found))
    for plant, changed in plants.items():
        if not set(missing(changed)) - before: yield f'a planted fault is not seen: {plant}'
    if list(factories('def dbnet(backbone, width=64) -> TextDetector: pass')) or \
            list(factories('def dbnet_r18(width=64, **stages) -> TextDetector: pass')) != ['dbnet_r18']: yield 'factories are told wrongly'
    if not list(untold(found, 'nothing')): yield 'a planted fault is not seen: a place that is not told'
