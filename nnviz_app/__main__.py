"""``python -m nnviz_app`` is the command ``nnviz``."""

import sys

from nnviz_app.cli import main

if __name__ == "__main__":
    sys.exit(main())
