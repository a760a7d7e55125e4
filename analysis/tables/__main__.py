"""``python -m analysis.tables``."""

from analysis.tables.study_tables import main
from trainables.output import run_command

if __name__ == "__main__":
    run_command(main)
