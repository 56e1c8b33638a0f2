"""README.md from nbs/index.ipynb: python .ci/readme.py. Links become relative to the repository, so that they work there."""
import re, sys
from posixpath import normpath

from common import ROOT, SETTINGS, load

def fix(url):
    "A link of nbs/index.ipynb as a link of README.md."
    if re.match(r'[a-z]+:|#|/', url): return url
    path, _, frag = url.partition('#')
    return normpath('nbs/' + path) + ('#' + frag if frag else '')

def markdown(text):
    "A markdown cell without what only the site understands."
    parts = re.split(r'(^```.*?^```|`[^`\n]*`)', text, flags=re.M | re.S)
    for i in range(0, len(parts), 2):
        p = re.sub(r'\]\(([^)\s]+)\)(\{[^}]*\})?', lambda m: f']({fix(m[1])})', parts[i])
        p = re.sub(r'<!--.*?-->', '', p, flags=re.S)
        parts[i] = re.sub(r'^::: *\{\.callout-(\w+)[^}]*\}\n(.*?)^:::$', lambda m: '\n'.join('> ' + o for o in [f'**{m[1].title()}**', '', *m[2].strip().splitlines()]),
                          p, flags=re.M | re.S)
    return ''.join(parts)

def render():
    "The text of README.md."
    parts = []
    for c in load(ROOT/'nbs/index.ipynb')['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'markdown': parts.append(markdown(src))
        elif c['cell_type'] == 'code' and not re.search(r'^#\|\s*(hide|default_exp|export)\b', src, re.M):
            if not re.search(r'^#\|\s*echo:\s*false', src, re.M): parts.append('```python\n' + re.sub(r'^#\|.*\n', '', src, flags=re.M).strip() + '\n```')
            for o in c['outputs']:
                data = o.get('data', {})
                if 'text/markdown' in data: parts.append(markdown(''.join(data['text/markdown'])))
                else: parts.append('```\n' + ''.join(o.get('text', data.get('text/plain', ''))).strip() + '\n```')
    text = '\n\n'.join(filter(None, map(str.strip, parts)))
    return re.sub(r'\n{3,}', '\n\n', text) + '\n'

def broken(text):
    "Links of README.md that lead to no file of the repository."
    blob = f"{SETTINGS['DEFAULT']['git_url']}/blob/{SETTINGS['DEFAULT']['branch']}/"
    code = re.sub(r'^```.*?^```', '', text, flags=re.M | re.S)
    for url in sorted(set(re.findall(r'\]\(([^)\s]+)\)', code))):
        path = url.removeprefix(blob).partition('#')[0]
        if path and not re.match(r'[a-z]+:', path) and not (ROOT/path).exists(): yield f'README.md: broken link {url}'
    for path in sorted(set(re.findall(r'\bdata/samples/[\w.-]+', text))):
        if not (ROOT/path).exists(): yield f'README.md names {path}, which is missing'


if __name__ == '__main__':
    (ROOT/'README.md').write_text(render(), encoding='utf-8')
    bad = list(broken(render()))
    print('\n'.join(bad or ['README.md written']))
    sys.exit(bool(bad))
