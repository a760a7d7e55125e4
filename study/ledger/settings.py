"""study.json: what a study was asked for, as a frozen type, and the one way to open a study's folder.

Every command opens a study by ``open_study``: by name or by path, whole or with study.json damaged, in which case the
copy of it in the ledger serves.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from study.ledger.fields import Fields
from study.ledger.folder import StudyFolder, check_name, exists, is_folder_name, remove_unbegun
from study.ledger.ledger_file import LedgerContents, read_ledger
from study.ledger.study_events import StudyCreated
from trainables.commands import typed
from trainables.errors import UserError, nearest
from trainables.files import write_whole
from trainables.json_types import JsonObject
from trainables.text_files import read_json

FORMAT = 1


class UnknownFormat(ValueError):
    """A study.json of another version: nothing to restore, and nothing to overwrite."""


@dataclass(frozen=True)
class DatasetSettings:
    """What study.json says of the data set. notes: what readers of the results should know of it."""

    name: str = ""
    title: str = ""
    simulated: bool = False
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        return {
            "name": self.name,
            "title": self.title,
            "simulated": self.simulated,
            "classes": list(self.classes),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, tree: JsonObject) -> DatasetSettings:
        given = Fields(tree)
        return cls(
            given.optional_text("name") or "",
            given.optional_text("title") or "",
            given.truth("simulated"),
            given.texts("classes"),
            given.texts("notes"),
        )


@dataclass(frozen=True)
class StudySettings:
    """study.json, written once, when a study is made.

    run: the resolved RunConfig, and study: the resolved StudyConfig, as plain data. card: of the data set. command:
    as it was typed. features: how they were made (``FeatureProtocol``); None where nobody has described it. name: None
    where the file names no folder. created: seconds since 1970. others: what a newer version added.
    """

    run: JsonObject
    study: JsonObject
    command: tuple[str, ...] = ()
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    data_dir: str = ""
    card: JsonObject = field(default_factory=dict)
    versions: JsonObject = field(default_factory=dict)
    features: JsonObject | None = None
    name: str | None = None
    created: float | None = None
    others: JsonObject = field(default_factory=dict)

    def run_value(self, key: str) -> Any:
        """The value of a dotted RunConfig key; None where the file does not say."""
        value: Any = self.run
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def to_json(self) -> JsonObject:
        """In the order of the file."""
        return {
            "command": list(self.command),
            "dataset": self.dataset.to_json(),
            "data_dir": self.data_dir,
            "run": self.run,
            "study": self.study,
            "card": self.card,
            "versions": self.versions,
            **({} if self.features is None else {"features": self.features}),
            **({} if self.name is None else {"name": self.name}),
            **({} if self.created is None else {"created": self.created}),
            "format": FORMAT,
            **self.others,
        }

    @classmethod
    def from_json(cls, tree: Any) -> StudySettings:
        """Raises ValueError that says what makes ``tree`` no study of this format."""
        given = Fields(tree)
        if given.tree.get("format") != FORMAT:
            raise UnknownFormat(f"format {given.tree.get('format')!r} is not known to this version ({FORMAT})")
        name, command = given.tree.get("name"), given.tree.get("command")
        return cls(
            run=given.mapping("run"),
            study=given.mapping("study"),
            command=(command,) if isinstance(command, str) else given.texts("command"),
            dataset=DatasetSettings.from_json(given.optional_mapping("dataset")),
            data_dir=given.optional_text("data_dir") or "",
            card=given.optional_mapping("card"),
            versions=given.optional_mapping("versions"),
            features=given.optional_mapping("features") or None,
            name=name if isinstance(name, str) and is_folder_name(name) else None,
            created=given.optional_number("created"),
            others={key: value for key, value in given.tree.items() if key not in _KEYS},
        )


_KEYS = {"command", "dataset", "data_dir", "run", "study", "card", "versions", "features", "name", "created", "format"}


@dataclass(frozen=True)
class OpenedStudy:
    """A study's folder with all that it says. notes: sentences on what is wrong with study.json and what was done."""

    folder: StudyFolder
    settings: StudySettings
    ledger: LedgerContents
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the study; of its folder where study.json has none that could be a folder's."""
        return self.settings.name or self.folder.path.resolve().name

    @property
    def problems(self) -> list[str]:
        """Sentences on all that is damaged."""
        return [*self.notes, *self.ledger.problems]

    @property
    def created_with(self) -> StudySettings | None:
        """The settings as the ledger kept them when the study was made; None where it does not say."""
        return settings_in_ledger(self.ledger)


def open_study(study_dir: Path, name: str, option: str = "--study") -> OpenedStudy:
    """The study of this name in ``study_dir``, or whose folder is at the path ``name``; raises UserError.

    option: what the messages name.
    """
    folder = find_folder(study_dir, name, option)
    ledger = read_ledger(folder.ledger_file)
    try:
        return OpenedStudy(folder, StudySettings.from_json(read_json(folder.study_file)), ledger)
    except UserError as error:
        return _opened_from_ledger(folder, ledger, option, str(error))
    except UnknownFormat as error:
        raise UserError(f"{option}: {folder.study_file}: {error}") from None
    except ValueError as error:
        return _opened_from_ledger(folder, ledger, option, f"{folder.study_file}: {error}")


def find_folder(study_dir: Path, name: str, option: str) -> StudyFolder:
    """The folder that a name or a path means; raises UserError that lists what there is."""
    candidates = [StudyFolder(path) for path in (study_dir / name, Path(name)) if name and os.path.isdir(path)]
    for folder in candidates:
        if os.path.lexists(folder.study_file) or os.path.isfile(folder.ledger_file):
            return folder
    if candidates:
        raise UserError(f"{option}: {candidates[0].path} is no study: neither study.json nor ledger.jsonl is there")
    known = sorted(p.parent.name for p in study_dir.glob("*/study.json")) if os.path.isdir(study_dir) else []
    hint = nearest(name, known) if known else f"There are no studies yet: {typed('launch')} makes one."
    shown = name if len(name) <= 80 else f"{name[:80]}..."
    raise UserError(f"{option}: no study '{shown}' in {study_dir}. {hint}")


def settings_in_ledger(ledger: LedgerContents) -> StudySettings | None:
    """study.json as it was when the study was made; None where the ledger does not say."""
    for event in ledger.events:
        if isinstance(event, StudyCreated):
            try:
                return StudySettings.from_json(event.settings)
            except ValueError:
                continue
    return None


def create_folder(
    study_dir: Path, name: str, settings: StudySettings, fill: Callable[[StudyFolder], object] = lambda folder: None
) -> StudyFolder:
    """Make the folder of a new study with its study.json, and what ``fill`` writes into it.

    It is made aside and then renamed: a folder that exists is whole, and of two that are made at once one is refused.
    Raises FolderExists, and UserError when it cannot be made.
    """
    check_name(study_dir, name)
    folder, aside = StudyFolder(study_dir / name), StudyFolder(study_dir / f".new-{secrets.token_hex(4)}")
    try:
        aside.path.mkdir(parents=True)
        for part in ("predictions", "checkpoints"):
            (aside.path / part).mkdir()
        fill(aside)
        write_settings(aside, replace(settings, name=name, created=time.time()))
        remove_unbegun(folder.path)
        aside.path.rename(folder.path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise exists(study_dir, name) from None
        raise UserError(f"--study-dir: {folder.path} cannot be made: {error.strerror}") from None
    finally:
        shutil.rmtree(aside.path, ignore_errors=True)
    return folder


def write_settings(folder: StudyFolder, settings: StudySettings) -> None:
    """study.json, whole."""
    write_whole(folder.study_file, (json.dumps(settings.to_json(), indent=1, ensure_ascii=False) + "\n").encode())


def _opened_from_ledger(folder: StudyFolder, ledger: LedgerContents, option: str, reason: str) -> OpenedStudy:
    settings = settings_in_ledger(ledger)
    if settings is None:
        raise UserError(f"{option}: {reason}; the ledger has no copy of it: restore study.json from a backup")
    return OpenedStudy(folder, settings, ledger, (f"{reason}; its copy in the ledger is used",))
