"""Run every notebook of the book, each in a process of its own.

    python .ci/test.py               all of them
    python .ci/test.py crnn vocab    those whose path contains one of these words
    python .ci/test.py dbnet --upto Head
                                     from the beginning to the end of the first section whose title contains this
    python .ci/test.py --flags slow  with the cells marked `slow` as well (no time limit then)
    python .ci/test.py --roundings [SETTING ...] [-k WORD ...]
                                     the chapters that train or compare whole networks, as other processors would round
                                     (all settings by default), with 1 and 2 threads and three seeds (no time limit)

Prints a line per notebook and ends with 'N passed, M failed'; a notebook that takes over 60 seconds
fails; time spent waiting for a free core on a busy machine is told apart and not counted."""
import argparse, json, os, re, signal, subprocess, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress

from common import ROOT, notebooks

LIMIT = 60  # seconds a notebook may take
ROUNDINGS = {  # environments in which one machine adds and multiplies in the order of another
    'native': {},
    'avx2': dict(ATEN_CPU_CAPABILITY='avx2', ONEDNN_MAX_CPU_ISA='AVX2', MKL_ENABLE_INSTRUCTIONS='AVX2'),
    'sse4': dict(ATEN_CPU_CAPABILITY='default', ONEDNN_MAX_CPU_ISA='SSE41', MKL_ENABLE_INSTRUCTIONS='SSE4_2'),
    'compatible': dict(MKL_CBWR='COMPATIBLE')}
SEEDS, THREADS = (0, 1, 2), (1, 2)


def depends_on_rounding(path):
    "Does this notebook train, or compare whole networks with recorded numbers?"
    return bool(re.search(r'\.backward\(\)|\bParity\(|\b(fit|train)\(', path.read_text(encoding='utf-8')))


def beginning(cells, title):
    "The cells up to the end of the first section whose heading contains `title`."
    level = None
    for i, c in enumerate(cells):
        head = re.match(r'(#+) +(.*)', c.source) if c.cell_type == 'markdown' else None
        if head and level is not None and len(head[1]) <= level: return cells[:i]
        if head and level is None and title.lower() in head[2].lower(): level = len(head[1])
    if level is None: raise SystemExit(f'no section whose title contains {title!r}')
    return cells


NURSERY = """import json, os, sys, traceback
import cv2, matplotlib.pyplot, nbdev.test, torch, torchvision  # once: a notebook is a fork of this process
sys.path.insert(0, sys.argv[1])
def queue():  # seconds this process waited for a free core, where the system tells
    try: return int(open('/proc/self/schedstat').read().split()[1])/1e9
    except Exception: return 0.
def waited():  # processes that it started are taken to have waited as large a part of their time
    own, born = sum(os.times()[:2]), sum(os.times()[2:4])
    return queue()*(1 + born/max(own, .1))
class Part(nbdev.test.NBProcessor):
    title = ''
    def __init__(self, *args, **kwargs):
        from test import beginning
        super().__init__(*args, **kwargs)
        if self.title: self.nb.cells = beginning(self.nb.cells, self.title)
nbdev.test.NBProcessor = Part
forks = sys.argv[2] == 'forks'
print('ready', flush=True)
for line in sys.stdin:
    path, flags, Part.title, out = json.loads(line)
    if not forks: print(os.getpid(), flush=True)
    if not (child := forks and os.fork()):
        code = 1
        try:
            null, out = os.open(os.devnull, os.O_RDONLY), os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for old, new in (null, 0), (out, 1), (out, 2): os.dup2(old, new)
            os.setsid()
            nbdev.test.nbdev_test.__wrapped__(path=path, flags=flags, n_workers=0)  # nbdev_test --path
            code = 0
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else int(bool(e.code))
            if isinstance(e.code, str): print(e.code)
        except BaseException: traceback.print_exc()
        finally:
            print('waited', waited(), flush=True)
            sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)"""

local = threading.local()
FORKS = sys.platform == 'linux'  # elsewhere libraries may not survive a fork: a new process for each notebook

def nursery(settings):
    "A process that has imported what all notebooks import; each thread has its own, for one environment."
    if getattr(local, 'settings', None) != settings:
        if hasattr(local, 'process'): local.process.stdin.close()
        env = dict(os.environ, OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', MPLBACKEND='agg', PYTHONHASHSEED='0') | settings
        env['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), env.get('PYTHONPATH')]))
        local.settings = settings
        local.process = subprocess.Popen([sys.executable, '-c', NURSERY, str(ROOT/'.ci'), 'forks'*FORKS], cwd=ROOT, env=env, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not local.process.stdout.readline(): raise SystemExit('what all notebooks import could not be imported; why is said above')
    return local.process


def run_one(path, flags, kill_after, upto='', **settings):
    "Seconds taken, seconds waited for a free core, the reason of a failure or '', and what the notebook printed."
    keeper, stopped = nursery(settings), []
    with tempfile.NamedTemporaryFile() as out:
        start = time.monotonic()
        print(json.dumps([str(path), flags, upto, out.name]), file=keeper.stdin, flush=True)
        child = int(keeper.stdout.readline())
        def stop():
            stopped.append(True)
            with suppress(ProcessLookupError): os.killpg(child, signal.SIGKILL)
        timer = threading.Timer(kill_after, stop)
        timer.start()
        code = int(keeper.stdout.readline() or keeper.wait())
        timer.cancel()
        if not FORKS: local.settings = None
        took, said = time.monotonic() - start, out.read().decode(errors='replace')
    why = 'stopped' if stopped else f'exit code {code}' if code else ''
    if not why and 'Success.' not in said: why = 'nbdev_test ran nothing'  # it exits 0 then
    told = re.search(r'^waited ([\d.]+)$', said, re.M)
    waited = min(float(told[1]), took) if told else 0.
    return took - waited, waited, why, re.sub(r'^waited .*\n', '', said, flags=re.M)


def passes(paths, roundings=None):
    "(notebook, what is special, environment) of every run to make."
    if roundings is None: return [(p, '', {}) for p in paths]
    return [(p, f'  {name}, {threads} thread{"s"*(threads > 1)}, seed {seed}',
             dict(ROUNDINGS[name], OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OCRBOOK_SEED=str(seed)))
            for p in paths if depends_on_rounding(p) for name in roundings for threads in THREADS for seed in SEEDS]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('words', nargs='*', help='run only notebooks whose path contains one of these')
    ap.add_argument('-k', dest='more', nargs='+', default=[], metavar='WORD', help='the same, behind --roundings')
    ap.add_argument('--flags', default='', help='test flags to run as well, such as "slow cuda"')
    ap.add_argument('--upto', default='', metavar='TITLE', help='stop at the end of the section with this title')
    ap.add_argument('--roundings', nargs='*', choices=list(ROUNDINGS), metavar='SETTING', help=', '.join(ROUNDINGS))
    ap.add_argument('-j', '--jobs', type=int, default=min(os.cpu_count() or 1, 4), help='notebooks at the same time')
    a = ap.parse_args()
    words = a.words + a.more
    paths = [p for p in notebooks() if not words or any(w in str(p.relative_to(ROOT)) for w in words)]
    todo = passes(paths, a.roundings if a.roundings is None else a.roundings or list(ROUNDINGS))
    if not todo: print('no notebook found\n0 passed, 1 failed'); return 1
    limit = LIMIT if not a.flags and a.roundings is None else 24*3600
    passed, began = 0, time.monotonic()
    with ThreadPoolExecutor(a.jobs) as pool:
        jobs = {pool.submit(run_one, p, a.flags, 10*limit, a.upto, **env): f'{p.relative_to(ROOT)}{what}' for p, what, env in todo}
        for job in as_completed(jobs):
            secs, waited, why, said = job.result()
            if secs > limit: why = f'{why + ", " if why else ""}over the limit of {limit} s'
            note = (f'  (and {waited:.0f} s waiting for a free core)' if waited > 5 else '') + ('  ' + why if why else '')
            passed += not why
            print(f'{"FAIL" if why else "ok  "} {secs:6.1f} s  {jobs[job]}{note}', flush=True)
            if why: print('\n'.join('     | ' + o for o in said.strip().splitlines()[-60:]), flush=True)
    print(f'{time.monotonic() - began:.0f} s for {len(todo)} runs')
    print(f'{passed} passed, {len(todo) - passed} failed')
    return int(passed < len(todo))


if __name__ == '__main__': sys.exit(main())
