"""``python -m trainables.evaluation``."""

from trainables.evaluation.command import main
from trainables.output import run_command

if __name__ == "__main__":
    run_command(main)
