"""Write constraints.txt and requirements.lock from what settings.ini requires: python .ci/lock.py, with uv installed (pip install uv).

Versions that are pinned stay; `--upgrade` takes the newest of all; `--lean` writes requirements-lean.txt alone, from the pins that are there. constraints.txt is for `pip install -c`, which refuses
hashes beside an editable install; requirements.lock holds the same versions with hashes, for every platform."""
import re, subprocess, sys, tempfile
from pathlib import Path

from common import ROOT, SETTINGS

def lean():
    "requirements-lean.txt: what reading needs, by the pins of requirements.lock."
    pins = dict(re.findall(r'^([\w.-]+)(==[^\s\\]+(?: ; [^\\\n]+)?)', (ROOT/'requirements.lock').read_text(encoding='utf-8'), re.M))
    (ROOT/'requirements-lean.txt').write_text('# What reading and extracting need, without torch; written by .ci/lock.py:\n'
        '#   pip install --no-compile --no-deps -r requirements-lean.txt .\n' + ''.join(f'{n}{pins[n].rstrip()}\n' for n in SETTINGS['DEFAULT']['lean'].split()), encoding='utf-8')

def main():
    if '--lean' in sys.argv: return lean()
    pins, lock, cfg = ROOT/'constraints.txt', ROOT/'requirements.lock', SETTINGS['DEFAULT']
    with tempfile.TemporaryDirectory() as tmp:
        (wanted := Path(tmp)/'wanted.in').write_text('\n'.join(' '.join(v for k, v in cfg.items() if k.endswith('requirements')).split()))
        keep = [] if '--upgrade' in sys.argv else ['-c', pins]
        cmd = ['uv', 'pip', 'compile', '-q', '--universal', '--python-version', '3.11.5', '--generate-hashes', '--no-annotate', '--no-header', *keep, wanted]
        found = subprocess.run(list(map(str, cmd)), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    lock.write_text('# The development environment with hashes, written by .ci/lock.py:\n'
                    '#   pip install --require-hashes -r requirements.lock && pip install --no-deps --no-build-isolation -e .\n' + found, encoding='utf-8')
    pins.write_text('# The development environment, pin by pin (Python 3.11 and 3.12), written by .ci/lock.py: pip install -e ".[dev]" -c constraints.txt\n'
                    + ''.join(f'{n}=={v}\n' for n, v in re.findall(r'^([\w.-]+)==([^\s;\\]+)', found, re.M)), encoding='utf-8')
    lean()


if __name__ == '__main__': main()
