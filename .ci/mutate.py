"""Do the tests of a chapter notice when its code is wrong?

    python .ci/mutate.py dbnet -n 30    thirty small faults, drawn at random, one at a time in the exported cells

Each fault is put into a copy of the notebook in memory, which is then run as `.ci/test.py` runs it. A fault that no test notices
*survives* and is printed: either a test is missing, or the fault changes nothing that matters. Nothing is written."""
import argparse, ast, json, os, random, subprocess, sys, tempfile
from pathlib import Path

from common import ROOT, load, notebooks

SWAP = {ast.Lt: '<=', ast.LtE: '<', ast.Gt: '>=', ast.GtE: '>', ast.Eq: '!=', ast.NotEq: '==', ast.Add: '-', ast.Sub: '+', ast.Mult: '/',
        ast.Div: '*', ast.FloorDiv: '/', ast.And: 'or', ast.Or: 'and', ast.In: 'not in', ast.NotIn: 'in', ast.Is: 'is not', ast.IsNot: 'is'}
NAMES = dict(min='max', max='min', ceil='floor', floor='ceil', any='all', all='any', amax='amin', amin='amax', sum='mean', mean='sum')
RUN = """import sys, json, nbdev.test
place, source = json.load(open(sys.argv[2]))
class Wrong(nbdev.test.NBProcessor):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.nb.cells[place].source = source
nbdev.test.NBProcessor = Wrong
nbdev.test.nbdev_test.__wrapped__(path=sys.argv[1], n_workers=0)"""

def faults(src):
    "(start, end, text) in bytes: one small change each."
    starts = [0]
    for line in src.splitlines(True): starts.append(starts[-1] + len(line.encode()))
    at = lambda n: (starts[n.lineno-1] + n.col_offset, starts[n.end_lineno-1] + n.end_col_offset)
    between = lambda a, b: (at(a)[1], at(b)[0])  # where an operator stands
    for n in ast.walk(ast.parse(src)):
        if isinstance(n, ast.Compare) and len(n.ops) == 1 and type(n.ops[0]) in SWAP:
            yield *between(n.left, n.comparators[0]), f' {SWAP[type(n.ops[0])]} '
        elif isinstance(n, ast.BinOp) and type(n.op) in SWAP: yield *between(n.left, n.right), SWAP[type(n.op)]
        elif isinstance(n, ast.BoolOp): yield *between(n.values[0], n.values[1]), f' {SWAP[type(n.op)]} '
        elif isinstance(n, ast.Constant) and type(n.value) is bool: yield *at(n), str(not n.value)
        elif isinstance(n, ast.Constant) and type(n.value) in (int, float): yield *at(n), str(n.value + 1)
        elif isinstance(n, ast.Name) and n.id in NAMES: yield *at(n), NAMES[n.id]
        elif isinstance(n, ast.Attribute) and n.attr in NAMES: yield at(n)[1] - len(n.attr), at(n)[1], NAMES[n.attr]

def changed(src):
    "The sources with one fault each that are still Python, and are another program."
    data = src.encode()
    for a, b, text in faults(src):
        mid = data[a:b].decode()
        if mid.count('(') != mid.count(')') or '#' in mid: continue
        new = (data[:a] + text.encode() + data[b:]).decode()
        try:
            if ast.dump(ast.parse(new)) == ast.dump(ast.parse(src)): continue
        except SyntaxError: continue
        line = src[:len(data[:a].decode())].count('\n')
        yield new, f'{src.splitlines()[line].strip()}   ->   {new.splitlines()[line].strip()}'

def passes(path, place, source):
    "Does the notebook run to its end with this source in one of its cells?"
    env = dict(os.environ, OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', MPLBACKEND='agg', PYTHONPATH=str(ROOT))
    with tempfile.TemporaryDirectory() as tmp:
        (file := Path(tmp)/'fault.json').write_text(json.dumps([place, source]))
        try: done = subprocess.run([sys.executable, '-c', RUN, path, file], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired: return False
    return not done.returncode

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('words', nargs='*', help='chapters whose path contains one of these words')
    ap.add_argument('-n', type=int, default=10, help='faults a chapter')
    ap.add_argument('--seed', type=int, default=0)
    a = ap.parse_args()
    survived = total = 0
    for p in notebooks():
        if a.words and not any(w in str(p.relative_to(ROOT)) for w in a.words): continue
        cells = [(i, ''.join(c['source'])) for i, c in enumerate(load(p)['cells']) if c['cell_type'] == 'code']
        options = [(i, *o) for i, s in cells if s.startswith('#| export') for o in changed(s)]
        if not options: continue
        if not passes(p, *cells[0]): print(f'{p.relative_to(ROOT)} fails without a fault'); continue
        for place, source, what in random.Random(a.seed).sample(options, min(a.n, len(options))):
            total += 1
            if not passes(p, place, source): continue
            survived += 1
            print(f'survived  {p.relative_to(ROOT)}: {what}', flush=True)
    print(f'{total - survived} noticed, {survived} survived')


if __name__ == '__main__': main()
