"""``python -m analysis.report``."""

from analysis.report.report import main
from trainables.output import run_command

if __name__ == "__main__":
    run_command(main)
