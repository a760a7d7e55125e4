"""``python -m analysis.figures``."""

from analysis.figures.study_figures import main
from trainables.output import run_command

if __name__ == "__main__":
    run_command(main)
