"Installation: everything it needs to know stands in settings.ini."
import re
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(interpolation=None)
config.read(here/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
lib = cfg['lib_path']

def description():
    "The README with links that lead to the repository, so that they work on a package index."
    blob = f"{cfg['git_url']}/blob/{cfg['branch']}/"
    raw = blob.replace('github.com', 'raw.githubusercontent.com').replace('/blob/', '/')
    parts = re.split(r'(^```.*?^```|`[^`\n]*`)', (here/'README.md').read_text(encoding='utf-8'), flags=re.M | re.S)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r'(!?)\[([^]]*)\]\((?![a-z]+:|#)([^)\s]+)\)', lambda m: f'{m[1]}[{m[2]}]({raw if m[1] else blob}{m[3]})', parts[i])
    return ''.join(parts)

extras = {k.removesuffix('_requirements'): v.split() for k, v in cfg.items() if k.endswith('_requirements')}
extras['dev'] = list(dict.fromkeys(sum((extras[k] for k in ('dev', *extras)), [])))  # the tests use all of them

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'].split(),
    author=cfg['author'], author_email=cfg['author_email'], url=cfg['git_url'], license='Apache-2.0',
    project_urls={'Documentation': cfg['doc_host'] + cfg['doc_baseurl']},
    packages=find_packages(include=[lib, f'{lib}.*']), package_dir={'': '.'}, package_data={lib: ['py.typed', 'weights/*', 'data/*.txt', 'practice/*.html']},
    python_requires=f">={cfg['min_python']}", install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f'{lib}={lib}._modidx:d']},
    long_description=description(), long_description_content_type='text/markdown', zip_safe=False,
    classifiers=['Development Status :: 3 - Alpha', 'Intended Audience :: Developers', 'Intended Audience :: Education',
                 'Intended Audience :: Science/Research',
                 'Natural Language :: English', 'Programming Language :: Python :: 3 :: Only',
                 'Topic :: Scientific/Engineering :: Image Recognition'],
)
