"""Write the graphs that point into the package's weights: python .ci/graphs.py [NAME ...], after weights have changed."""
import sys

from common import LIB, ROOT

sys.path.insert(0, str(ROOT))

def graphs(names=()):
    "Write the graphs of these models, by default of all whose weights come with the package."
    from ocrbook.practice.export import write_beside
    from ocrbook.practice.models import list_models
    for name in names or list_models(pretrained=True):
        path = write_beside(name)
        print(f'{LIB}/weights/{path.name}: {path.stat().st_size/1e3:.0f} kB', flush=True)


if __name__ == '__main__': graphs(sys.argv[1:])
