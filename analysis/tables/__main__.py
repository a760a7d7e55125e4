"""``python -m analysis.tables``."""

import sys

from analysis.tables.study_tables import main

if __name__ == "__main__":
    sys.exit(main())
