"""``python -m trainables.evaluation``."""

import sys

from trainables.evaluation.command import main

if __name__ == "__main__":
    sys.exit(main())
