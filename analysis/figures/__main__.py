"""``python -m analysis.figures``."""

import sys

from analysis.figures.study_figures import main

if __name__ == "__main__":
    sys.exit(main())
