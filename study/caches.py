"""What studies keep that can be made again: ``python -m study.caches list|prune``. No Ray, no torch.

Features that all trials map (``STUDY_DIR/.features/KEY``) are streamed again from the user's files, M0s
(``STUDY/base``) are trained again, where a study needs them: the numbers stay the same, only time is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from study.cli.plan import seconds_text, size_text
from study.ledger import StudyFolder, is_driven, lock, open_study
from study.process_tree import mapped_below
from study.status import state_of
from trainables.command_line import Parser
from trainables.commands import program
from trainables.counts import count_text
from trainables.data import FeatureFolder
from trainables.errors import UserError, nearest
from trainables.json_types import JsonObject
from trainables.output import print_error, run_command

NOT_REMOVED = 1
DAY_S = 86_400.0
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Cache:
    """name: as users give it, relative to the folder of the studies. size: bytes. made, used: seconds since 1970.
    studies: name of each that uses it -> its state. processes: of this machine that have its files open otherwise."""

    name: str
    kind: str
    size: int
    made: float
    used: float
    studies: dict[str, str]
    processes: tuple[int, ...] = ()

    @property
    def in_use(self) -> str | None:
        """By what it is used at this moment; None: by nothing."""
        running = [name for name, state in self.studies.items() if state == "running"]
        if running:
            return f"study {', '.join(running)} is running"
        return f"process {', '.join(map(str, self.processes))} has it open" if self.processes else None

    @property
    def needed(self) -> str | None:
        """Why it is kept where it was not named: what is not at its end may need it; None: by nothing."""
        unended = [name for name, state in self.studies.items() if state != "ended"]
        return self.in_use or (f"study {', '.join(unended)} has not ended" if unended else None)


def find_caches(study_dir: Path) -> list[Cache]:
    """All caches of the studies in a folder; raises UserError where there is no such folder."""
    if not study_dir.is_dir():
        raise UserError(f"--study-dir: there is no folder {study_dir}; name the one that holds the studies")
    return [*_feature_caches(study_dir), *_m0_caches(study_dir)]


def _feature_caches(study_dir: Path) -> list[Cache]:
    found, mapped = [], mapped_below(study_dir / ".features")
    for kept in FeatureFolder(study_dir / ".features").kept():
        studies = {name: _state(study_dir, name) for name in kept.users if (study_dir / name).is_dir()}
        running = any(state == "running" for state in studies.values())
        home = f"{kept.path.resolve()}/"
        others = [] if running else [pid for pid, files in mapped.items() if any(f.startswith(home) for f in files)]
        kind = "features" if kept.whole else "features, unfinished"
        name = str(kept.path.relative_to(study_dir))
        size = sum(file.st_size for file in _files(kept.path).values())
        found.append(Cache(name, kind, size, kept.made, kept.used, studies, tuple(sorted(others))))
    return found


def _m0_caches(study_dir: Path) -> list[Cache]:
    found = []
    for base in sorted(study_dir.glob("*/base")):
        if files := _files(base):
            states = [file for file in files if file.suffix == ".pt" and not file.name.endswith(".model.pt")]
            study, times = base.parent.name, [file.st_mtime for file in files.values()]
            ledger = StudyFolder(base.parent).ledger_file
            used = max([*times, ledger.stat().st_mtime] if ledger.exists() else times)
            size, name = sum(file.st_size for file in files.values()), str(base.relative_to(study_dir))
            kind = count_text(len(states), "M0")
            found.append(Cache(name, kind, size, min(times), used, {study: _state(study_dir, study)}))
    return found


def _state(study_dir: Path, name: str) -> str:
    if is_driven(StudyFolder(study_dir / name)):
        return "running"
    try:
        return state_of(open_study(study_dir, name))
    except (UserError, OSError):
        return UNREADABLE


def _files(folder: Path) -> dict[Path, os.stat_result]:
    """Size and times of the files below a folder. A study that runs writes files aside and renames them meanwhile."""
    found = {}
    for home, _, names in os.walk(folder):
        for path in (Path(home, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.lstat()
    return {path: file for path, file in found.items() if stat.S_ISREG(file.st_mode)}


def to_prune(found: Sequence[Cache], names: Sequence[str], unused_for_s: float) -> tuple[list[Cache], dict[str, str]]:
    """Caches to remove, and name -> reason of those that are kept.

    names: these alone, also of studies that have not ended; else all that no study needs. Raises UserError for a name
    that is none, and for one that is used at this moment.
    """
    by_name = {cache.name: cache for cache in found}
    for name in names:
        if name not in by_name:
            hint = nearest(name, by_name) if by_name else "There is none."
            raise UserError(f"prune: no cache '{name}'. {hint}")
        if by_name[name].in_use:
            raise UserError(f"prune: {name}: {by_name[name].in_use}; wait for it or stop it")
    chosen = [by_name[name] for name in dict.fromkeys(names)] if names else found
    reasons = {cache.name: _kept_because(cache, bool(names), unused_for_s) for cache in chosen}
    kept = {name: reason for name, reason in reasons.items() if reason}
    return [cache for cache in chosen if cache.name not in kept], kept


def _kept_because(cache: Cache, named: bool, unused_for_s: float) -> str | None:
    if time.time() - cache.used < unused_for_s:
        return f"used {_ago(cache.used)} ago"
    return None if named else cache.needed


def remove(study_dir: Path, cache: Cache) -> None:
    """Remove it, or raise UserError where somebody has begun to use it, or the system refuses."""
    try:
        if cache.name.startswith(".features/"):
            FeatureFolder(study_dir / ".features").remove(
                Path(cache.name).name, lambda users: _check_idle(study_dir, users)
            )
        else:
            with lock(StudyFolder((study_dir / cache.name).parent)):
                shutil.rmtree(study_dir / cache.name)
    except OSError as error:
        raise UserError(f"prune: {error.filename or cache.name}: {error.strerror or error}") from None


def _check_idle(study_dir: Path, users: Iterable[str]) -> None:
    for name in users:
        if is_driven(StudyFolder(study_dir / name)):
            raise UserError(f"prune: study {name} has begun to use it; wait for it or stop it")


def list_text(found: Sequence[Cache]) -> str:
    """A line for each cache, and their sum."""
    if not found:
        return "no caches"
    width, kinds = max(len(cache.name) for cache in found), max(len(cache.kind) for cache in found)
    lines = [
        f"{cache.name:<{width}}  {cache.kind:<{kinds}}  {size_text(cache.size):>8}  made {_ago(cache.made)} ago, "
        f"used {_ago(cache.used)} ago by {_users_text(cache)}"
        for cache in found
    ]
    return "\n".join([*lines, f"{size_text(sum(cache.size for cache in found))} in all"])


def _users_text(cache: Cache) -> str:
    studies = [f"{name} ({state})" for name, state in cache.studies.items()]
    processes = [f"process {pid}" for pid in cache.processes]
    return ", ".join([*studies, *processes]) or "no study that is known"


def _ago(moment: float) -> str:
    seconds = max(time.time() - moment, 0.0)
    return seconds_text(seconds) if seconds < DAY_S else f"{seconds / DAY_S:.0f} d"


def prune(study_dir: Path, names: Sequence[str], unused_for_s: float, dry_run: bool) -> int:
    """Remove caches and say so; returns the exit status: 0, or 1 where one could not be removed."""
    chosen, kept = to_prune(find_caches(study_dir), names, unused_for_s)
    removed, status = 0, 0
    for cache in chosen:
        try:
            if not dry_run:
                remove(study_dir, cache)
        except UserError as error:
            print_error(error)
            status = NOT_REMOVED
        else:
            removed += cache.size
            print(f"{'would remove' if dry_run else 'removed'} {list_text([cache]).splitlines()[0]}")
    for name, reason in kept.items():
        print(f"kept {name}: {reason}")
    print(f"{size_text(removed)} {'would be free' if dry_run else 'removed'}")
    return status


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, 1 where something could not be removed, 2 for a wrong request."""
    given = command_parser().parse_args(arguments)
    try:
        if given.action == "prune":
            return prune(given.study_dir, given.names, given.unused_for * DAY_S, given.dry_run)
        found = find_caches(given.study_dir)
    except UserError as error:
        return print_error(error)
    print(json.dumps([_to_json(cache) for cache in found], indent=1) if given.json else list_text(found))
    return 0


def _to_json(cache: Cache) -> JsonObject:
    return {**asdict(cache), "in_use": cache.in_use}


def command_parser() -> Parser:
    parser = Parser(
        prog=program("study.caches"),
        description="What studies keep that can be made again: features that all trials map, and M0s.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|prune")
    listing = actions.add_parser("list", help="each with its size, age, last use and studies")
    listing.add_argument("--json", action="store_true", help="for other programs")
    pruning = actions.add_parser(
        "prune",
        help="remove what no study needs",
        description="Removes caches that only ended studies use, or those that are named. What a running study uses "
        "stays. A study that needs a removed cache makes it again, with the same numbers.",
    )
    pruning.add_argument("names", nargs="*", metavar="NAME", help="as list shows it; default: all that no study needs")
    pruning.add_argument("--unused-for", type=_days, default=0.0, metavar="DAYS", help="keep what was used since then")
    pruning.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")
    for action in (listing, pruning):
        action.add_argument("--study-dir", type=Path, default=Path("studies"), metavar="DIR", help="holds the studies")
    return parser


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of days from 0 on")
    return days


if __name__ == "__main__":
    run_command(main)
