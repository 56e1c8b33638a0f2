"""The plain pages in a browser: python .ci/browser.py FOLDER, as .ci/docs.py wrote it

Every page is opened in Chromium, without a window, as wide as a phone and as wide as a desk: no error of a script, nothing that reaches over the
right edge, no page that goes on for ever, and every slider moved once must show another picture and say its value. Says so and does nothing where there is no Chromium."""
import json, re, shutil, subprocess, sys, tempfile, threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WIDTHS, SECONDS = (390, 1280), 600
HEIGHT = 21_000  # of a page: 20,000, and what the fonts of a machine add
NAMES = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
STUCK = '''function stuck(d) {                                    // sliders that do not move
  const bad = []
  for (const s of d.querySelectorAll('.slide')) {
    const i = s.querySelector('input'), imgs = [...s.querySelectorAll('img')], shown = () => imgs.map(o => o.style.display !== 'none').indexOf(true)
    for (const v of [i.max, i.min]) {
      i.value = v; i.dispatchEvent(new Event('input'))
      if (shown() !== +v || s.querySelector('output').textContent !== i.dataset.labels.split('|')[v]) bad.push(`slider ${s.textContent.trim()} does not show frame ${v}`)
    }
  }
  return bad
}'''
HARNESS = '''<!doctype html><title>pages</title><iframe id="f" style="border:0;height:900px"></iframe><script>
const pages = PAGES, widths = WIDTHS, found = [], f = document.getElementById('f')
const wait = ms => new Promise(r => setTimeout(r, ms))
function wide(d) {                                     // what reaches over the right edge, and cannot be scrolled on its own
  const w = d.documentElement.clientWidth
  if (d.documentElement.scrollWidth <= w + 1) return ''
  for (const o of d.body.querySelectorAll('*')) {
    let p = o, own = false
    while ((p = p.parentElement)) own = own || /auto|scroll|hidden/.test(d.defaultView.getComputedStyle(p).overflowX)
    if (!own && o.getBoundingClientRect().right > w + 1 && ![...o.children].some(c => c.getBoundingClientRect().right > w + 1))
      return `<${o.tagName.toLowerCase()}> ${(o.textContent || o.alt || '').trim().slice(0, 60)}`
  }
  return 'something'
}
STUCK
(async () => {
  for (const page of pages) {
    for (const width of widths) {
      f.style.width = width + 'px'
      const loaded = new Promise(r => f.onload = r)
      f.src = '/' + page + '?' + width
      await loaded; await wait(10)
      const d = f.contentDocument, over = wide(d)
      if (over) found.push(`${page}: at ${width} pixels ${over} reaches over the edge`)
      const tall = d.documentElement.scrollHeight - (d.getElementById('TOC')?.offsetHeight || 0)  // Quarto's contents stand beside the page
      if (width !== widths[0] && tall > HEIGHT) found.push(`${page}: ${tall} pixels high, at most HEIGHT`)
      if (width === widths[0]) stuck(d).forEach(o => found.push(`${page}: ${o}`))
    }
  }
  await fetch('/found', {method: 'POST', body: JSON.stringify(found)})
})()
</script>'''


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_POST(self):
        self.server.found = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.send_response(204); self.end_headers()
        self.server.done.set()

def find_browser(): return next(filter(None, map(shutil.which, NAMES)), None)

def look(site, chromium, pages):
    "What the browser finds in some pages of a folder."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=str(site)))
    server.done, server.found, harness = threading.Event(), None, site/'every_page.html'
    fill = dict(STUCK=STUCK, HEIGHT=str(HEIGHT), PAGES=json.dumps(pages), WIDTHS=json.dumps(WIDTHS))
    harness.write_text(re.sub('|'.join(fill), lambda m: fill[m[0]], HARNESS), encoding='utf-8')
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home, open(Path(home)/'said', 'w+', encoding='utf-8', errors='replace') as said:
        browser = subprocess.Popen(
            [chromium, '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage', '--enable-logging=stderr', f'--user-data-dir={home}/profile',
             '--window-size=1400,1000', f'http://127.0.0.1:{server.server_port}/{harness.name}'], stdout=subprocess.DEVNULL, stderr=said)
        server.done.wait(SECONDS)
        browser.terminate(); browser.wait(); server.shutdown(); server.server_close(); harness.unlink()
        said.seek(0)
        errors = re.findall(r'CONSOLE[^\]]*\] "(.*?)", source: http://[^/]*/([^?\s]*)', said.read())
    yield from sorted({f'{page}: the console says {text}' for text, page in errors if 'favicon' not in text})
    if server.found is None: yield f'the browser did not get through {len(pages)} pages in {SECONDS} seconds'
    else: yield from server.found

def problems(site):
    "What a browser finds in the pages of a folder, and planted faults that it does not find."
    chromium = find_browser()
    if chromium is None: print('     | no Chromium here: the pages are not opened'); return
    slide = ('<div class="slide"><label>t <input type="range" min="0" max="1" value="0" data-labels="a|b" oninput="{}"></label> <output>a</output>'
             '<div><img alt="a"><img alt="b" style="display:none"></div></div>')
    plants = dict(wide='<pre style="width:2000px">x</pre>', tall=f'<p style="height:{HEIGHT+1}px">x</p>', error='<script>nothing()</script>', stuck=slide.format(''), fine='<p>x</p>')
    with tempfile.TemporaryDirectory() as tmp:
        for name, body in plants.items(): (Path(tmp)/f'{name}.html').write_text(f'<!doctype html><body>{body}', encoding='utf-8')
        seen = {o.partition('.html')[0] for o in look(Path(tmp), chromium, [f'{n}.html' for n in plants])}
    if seen != set(plants) - {'fine'}: yield f'of the planted faults {sorted(set(plants) - {"fine"})} the browser sees {sorted(seen)}'
    yield from look(site, chromium, sorted(p.relative_to(site).as_posix() for p in site.rglob('*.html')))


if __name__ == '__main__':
    bad = list(problems(Path(sys.argv[1]).resolve()))
    print('\n'.join([*bad, f'{len(bad)} problems']))
    sys.exit(bool(bad))
