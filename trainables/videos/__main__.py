"""``python -m trainables.videos``."""

from __future__ import annotations

from trainables.output import run_command
from trainables.videos.command import main

if __name__ == "__main__":
    run_command(main)
