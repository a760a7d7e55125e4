"""``python -m trainables.videos``."""

from __future__ import annotations

import sys

from trainables.videos.command import main

if __name__ == "__main__":
    sys.exit(main())
