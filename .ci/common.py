"""What the scripts of this folder share: where the project is, its notebooks, settings and rooms."""
import json, os, subprocess, sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ConfigParser(interpolation=None)
SETTINGS.read(ROOT/'settings.ini', encoding='utf-8')
LIB = SETTINGS['DEFAULT']['lib_path']
# Folders in reading order, and the rank of each: a room imports from rooms of lower rank, and from itself
ROOMS = dict(start=0, foundations=0, data=1, parts=2, detection=3, recognition=3, kie=3, practice=4, solutions=5, porting=5)


def notebooks(root=ROOT):
    "All notebooks of the book in reading order."
    made = {'.ipynb_checkpoints', '_proc', '_docs'}
    found = [p for p in (root/'nbs').rglob('*.ipynb') if not made & set(p.relative_to(root).parts)]
    rooms = list(ROOMS)
    return sorted(found, key=lambda p: (rooms.index(p.parent.name) if p.parent.name in rooms else 99, p.name))

def rel(path): return path.relative_to(ROOT).as_posix()

def load(path): return json.loads(path.read_text(encoding='utf-8'))

def code_cells(nb): return [''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'code']

def run(*cmd, cwd=ROOT, **env):
    "Run a command; its output, or an error that shows the end of it."
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    done = subprocess.run(list(map(str, cmd)), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=dict(os.environ, PATH=here, OMP_NUM_THREADS='1', **env))
    if done.returncode: raise RuntimeError(f'{Path(cmd[0]).name} failed:\n' + (done.stdout + done.stderr)[-4000:])
    return done.stdout + done.stderr
