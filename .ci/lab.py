"""The notebooks in JupyterLab, as a reader opens them: python .ci/lab.py [WORD ...], those with a slider whose path contains one of these words

In Chromium without a window. A notebook that came from elsewhere is not trusted: its sliders stand still and show one frame. The chapter of the sliders is
then run there from top to bottom, the others are trusted; after that every slider must move. Says so and does nothing where there is no Chromium."""
import json, os, shutil, socket, subprocess, sys, tempfile, time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import chapters
from browser import STUCK, find_browser
from common import ROOT, load, notebooks

SECONDS, RUN = 120, '14_hands_on'  # for a notebook to open or to run, the chapter that is run
SETTINGS = {'notebook-extension/tracker': {'windowingMode': 'none'}, 'apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False}}
OPEN = '''(async () => {
  const app = window.jupyterapp
  for (const w of [...app.shell.widgets('main')]) w.dispose()
  await (await app.commands.execute('docmanager:open', {path: PATH})).context.ready
})()'''
RUN_ALL = '''(async () => {
  const app = window.jupyterapp, w = [...app.shell.widgets('main')].find(o => o.context), session = w.context.sessionContext
  app.shell.activateById(w.id)
  await session.ready
  for (let i = 0; i < 300 && session.kernelDisplayStatus !== 'idle'; i++) await new Promise(r => setTimeout(r, 100))
  await app.commands.execute('notebook:run-all-cells')
  const last = w.content.widgets.filter(c => c.model.type === 'code').at(-1)
  return last.model.executionCount ? 'run' : 'stopped before its last cell'
})()'''
STILL = '''[...document.querySelectorAll('.slide')].filter(s =>
  [...s.querySelectorAll('img')].filter(o => o.style.display !== 'none').length !== 1).length'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def wait_for(url, process):
    "What the page at `url` says, as soon as it is there."
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try: return urlopen(url, timeout=5).read()
        except (URLError, OSError): time.sleep(.2)
    raise TimeoutError(f'nothing answers at {url}')

class Tab:
    "A tab of the browser, spoken to in its own protocol."
    def __init__(self, port, process):
        import websocket
        tabs = json.loads(wait_for(f'http://127.0.0.1:{port}/json', process))
        self.socket, self.n = websocket.create_connection(next(o for o in tabs if o['type'] == 'page')['webSocketDebuggerUrl'], timeout=SECONDS), 0

    def call(self, method, **values):
        self.n += 1
        self.socket.send(json.dumps(dict(id=self.n, method=method, params=values)))
        while (said := json.loads(self.socket.recv())).get('id') != self.n: pass
        return said.get('result', {})

    def js(self, code):
        "The value of an expression in the page."
        return self.call('Runtime.evaluate', expression=code, awaitPromise=True, returnByValue=True).get('result', {}).get('value')

    def open(self, path, sliders):
        "Close what is open, open a notebook, and wait until its sliders are there; how many there are."
        self.js(OPEN.replace('PATH', json.dumps(path)))
        until, n = time.monotonic() + SECONDS, 0
        while time.monotonic() < until and n < sliders:
            time.sleep(.1)
            n = self.js("document.querySelectorAll('.slide').length") or 0
        return n

@contextmanager
def opened(folder, chromium):
    "JupyterLab over a folder, in a tab of a browser: (tab, environment)."
    home, port, debug = folder/'.home', free_port(), free_port()
    env = dict(os.environ, JUPYTER_CONFIG_DIR=f'{home}/config', JUPYTER_DATA_DIR=f'{home}/data', JUPYTER_RUNTIME_DIR=f'{home}/run', JUPYTERLAB_SETTINGS_DIR=f'{home}/settings',
               IPYTHONDIR=f'{home}/ipython', PYTHONPATH=str(ROOT))
    for name, values in SETTINGS.items():
        path = home/f'settings/@jupyterlab/{name}.jupyterlab-settings'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding='utf-8')
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    lab = subprocess.Popen([sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', '--expose-app-in-browser', '--IdentityProvider.token=', f'--ServerApp.port={port}',
                            '--ServerApp.ip=127.0.0.1', f'--ServerApp.root_dir={folder}'], **quiet)
    browser = subprocess.Popen([chromium, '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage', f'--remote-debugging-port={debug}',
                                '--remote-allow-origins=*', f'--user-data-dir={home}/profile', '--window-size=1400,1000', 'about:blank'], **quiet)
    try:
        wait_for(f'http://127.0.0.1:{port}/api/status', lab)
        tab = Tab(debug, browser)
        tab.call('Page.navigate', url=f'http://127.0.0.1:{port}/lab')
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not tab.js('window.jupyterapp?.restored.then(() => true)'): time.sleep(.2)
        yield tab, env
    finally:
        for process in (browser, lab): process.terminate()
        for process in (browser, lab): process.wait()

def problems(words=()):
    "What is wrong with sliders in JupyterLab; the chapter of the sliders comes last."
    chromium = find_browser()
    if chromium is None: print('     | no Chromium here: no notebook is opened'); return
    found = {p: chapters.measure(load(p))['sliders'] for p in notebooks() if not words or any(w in str(p) for w in words)}
    found = {p: n for p, n in sorted(found.items(), key=lambda o: o[0].stem == RUN) if n}
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        for p in found: (to := folder/'nbs'/p.parent.name).mkdir(parents=True, exist_ok=True); shutil.copy(p, to)
        shutil.copy(ROOT/'settings.ini', folder); (folder/'data').symlink_to(ROOT/'data')
        with opened(folder, chromium) as (tab, env):
            trusted = [folder/'nbs'/p.parent.name/p.name for p in found if p.stem != RUN]
            subprocess.run([sys.executable, '-m', 'jupyter', 'trust', *trusted], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            for path, n in found.items():
                name, run = f'{path.parent.name}/{path.name}', path.stem == RUN
                if (k := tab.open(f'nbs/{name}', n)) != n: yield f'{name}: {k} of {n} sliders are there'; continue
                if run:
                    if more := tab.js(STILL): yield f'{name}: {more} of {n} sliders do not show just one frame before they are trusted'
                    if not tab.js(f'{STUCK}; stuck(document).length'): yield f'{name}: sliders move before they are trusted, the check itself is wrong'
                    if (said := tab.js(RUN_ALL)) != 'run': yield f'{name}: {said}'
                for o in tab.js(f'{STUCK}; stuck(document)') or (): yield f'{name}: {o}'


if __name__ == '__main__':
    bad = list(problems(sys.argv[1:]))
    print('\n'.join([*bad, f'{len(bad)} problems']))
    sys.exit(bool(bad))
