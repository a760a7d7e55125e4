"""The last lines of a session: how its trials ended, and what to type next."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from study.cli.progress import comparison, saved_text
from study.cli.request import Request
from study.ledger import StudyFolder
from trainables.commands import typed

if TYPE_CHECKING:
    from study.driver import Driver


def conclude(request: Request, driver: Driver) -> int:
    """Print them for a study that has ended; returns the exit status."""
    records = sorted(driver.records.values(), key=lambda record: record.number)
    counts = Counter(record.state for record in records)
    folder = driver.folder.path
    ended, saved = ", ".join(f"{count} {state}" for state, count in counts.items()), saved_text(records)
    print(f"\n{ended}{f'; {saved}' if saved else ''}\n")
    if driver.search_end:
        print(f"the search ended early: {driver.search_end}\n")
    print(comparison(records, request.run))
    print(f"\nledger       {driver.folder.ledger_file}")
    if counts["completed"]:
        print(f"predictions  {folder / 'predictions'} (test split, best iteration of each trial)")
        following = next_command("tables", "--study", folder.name, study_dir=request.study_dir)
    else:
        following = next_command("status", folder.name, study_dir=request.study_dir)
    print(f"next         {following}")
    return 0 if counts["completed"] else 1


def next_command(command: str, *words: str, study_dir: Path) -> str:
    """What to type next of a study in ``study_dir``, for a shell."""
    where = [] if study_dir == Path("studies") else ["--study-dir", str(study_dir)]
    return shlex.join([*typed(command).split(), *words, *where])


def resume_command(given: Namespace, folder: StudyFolder) -> str:
    """To be pasted into a shell."""
    arguments = [*typed("launch").split(), "--resume", folder.name]
    if given.study_dir is not None:
        arguments += ["--study-dir", str(given.study_dir)]
    if given.address is not None:
        arguments += ["--address", given.address]
    return shlex.join(arguments)
