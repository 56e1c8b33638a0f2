"""What only a machine with an accelerator can tell, in one call within a time limit:

    python .ci/gpu.py                     the notebooks with cells marked `cuda`, those cells as well; then a benchmark over batch sizes
    python .ci/gpu.py --minutes 5         in five minutes, not nine: what does not fit is named at the end
    python .ci/gpu.py --batches 1 8 64    other batch sizes
    python .ci/gpu.py --models crnn nrtr --no-notebooks
                                          the benchmark alone, of these models

The accelerator is shared by the notebooks, which take most of their time on the processor; the benchmark has it to itself. Without an accelerator
the same runs on the processor, to try the script: `--models crnn --batches 1 2 --no-notebooks --repeat 1`."""
import argparse, os, re, sys, time
from concurrent.futures import ThreadPoolExecutor, as_completed

from common import ROOT, code_cells, load, notebooks

MODELS = 'dbnet_r18 panet_r18 crnn nrtr satrn_small sdmgr_novisual'.split()


def marked():
    "Notebooks that have a cell marked `cuda`."
    return [p for p in notebooks() if any(re.match(r'#\| cuda\n', c) for c in code_cells(load(p)))]


def run_notebooks(left, jobs):
    "Run them all; how many failed, or did not get their turn. `left()`: seconds that remain."
    from test import run_one
    def run(p): return run_one(p, 'cuda', left()) if left() > 0 else (0., 0., 'no time left', '')
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        todo = {pool.submit(run, p): p for p in marked()}
        for job in as_completed(todo):
            secs, _, why, said = job.result()
            failed += bool(why)
            print(f'{"FAIL" if why else "ok  "} {secs:6.1f} s  {todo[job].relative_to(ROOT)}  {why}', flush=True)
            if why: print('\n'.join('     | ' + o for o in said.strip().splitlines()[-30:]), flush=True)
    print(f'{len(todo) - failed} of {len(todo)} notebooks passed', flush=True)
    return failed


def run_benchmark(left, models, batches, repeat):
    "A row for each model, precision of the prepared one and batch size; what there was no time for is named."
    sys.path.insert(0, str(ROOT))
    import torch
    from ocrbook.practice.speed import TABLE_HEADER, bench_model, table_row
    print(f'{"":10}{TABLE_HEADER}')
    skipped = []
    for name in models:
        for dtype in 'float32', 'bfloat16':
            for n in batches:
                if left() < 5: skipped.append(f'{name} {dtype} {n}'); continue
                if torch.cuda.is_available(): torch.cuda.reset_peak_memory_stats()
                try: row = table_row(bench_model(name, batch=n, letters=6, repeat=repeat, dtype=dtype))
                except Exception as e: row = f'{name:18} {n:15} {type(e).__name__}: {str(e).splitlines()[0][:80]}'
                print(f'{dtype:10}{row}', flush=True)
    if skipped: print('no time left for', ', '.join(skipped))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--minutes', type=float, default=9)
    ap.add_argument('--batches', type=int, nargs='+', default=[1, 4, 16, 64])
    ap.add_argument('--models', nargs='+', default=MODELS)
    ap.add_argument('--repeat', type=int, default=5, help='measurements, of which the median is taken')
    ap.add_argument('--no-notebooks', action='store_true')
    ap.add_argument('-j', '--jobs', type=int, default=min(os.cpu_count() or 1, 12), help='notebooks at the same time')
    a = ap.parse_args()
    import torch
    device = torch.accelerator.current_accelerator(check_available=True)
    print(f'{device or "no accelerator: on the processor"}, torch {torch.__version__}', flush=True)
    end = time.monotonic() + 60*a.minutes
    failed = 0
    if not a.no_notebooks: failed = run_notebooks(lambda: end - 60 - time.monotonic(), a.jobs)  # a minute for the table
    run_benchmark(lambda: end - time.monotonic(), a.models, a.batches, a.repeat)
    return int(failed > 0)


if __name__ == '__main__': sys.exit(main())
