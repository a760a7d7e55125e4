"""The configuration that the options of a launch resolve to, with where each value is from. No data are looked at."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel

from study.cli.assignments import parse_assignments
from study.cli.config_file import read_config
from study.cli.request import DEFAULT_DATASET, DEFAULT_STUDY, preset_arguments, read_configuration
from study.config import StudyConfig, load_study_config
from trainables.config import RunConfig, flat, preset_sources, with_partners
from trainables.json_types import JsonObject

DEFAULT = "default"
WIDTH = 60  # of lines whose comments share a column; longer ones have theirs right behind them
# Options of a launch whose name is not that of the key that they set.
STUDY_OPTIONS = {"time_budget": "time_budget_s", "trial": "first_points"}


@dataclass(frozen=True)
class Setting:
    """One value. source: what sets it. about: what it means, empty where the name says it. varies: the values that the
    study gives it in place of this one, empty for none."""

    key: str
    value: Any
    source: str
    about: str = ""
    varies: str = ""

    def to_json(self) -> JsonObject:
        found: JsonObject = {"value": self.value, "source": self.source}
        return found | {name: text for name in ("about", "varies") if (text := getattr(self, name))}


@dataclass(frozen=True)
class Resolved:
    """settings: of a run, then of the study, whose keys begin with ``study.``. notes: what the user should know."""

    settings: tuple[Setting, ...]
    notes: tuple[str, ...]

    def to_json(self) -> JsonObject:
        return {"settings": {one.key: one.to_json() for one in self.settings}, "notes": list(self.notes)}

    def with_word(self, word: str) -> Resolved:
        """Only settings with this word in their key."""
        return Resolved(tuple(one for one in self.settings if word in one.key), self.notes)


def resolved(given: Namespace) -> Resolved:
    """By the options of a launch; raises UserError for what a launch refuses before it looks at data."""
    study, run, notes = read_configuration(given)
    sources, varied = _run_sources(given, study, run), {key: str(values) for key, values in study.space.items()}
    settings = [
        Setting(key, value, sources.get(key, DEFAULT), about, varied.get(key, "")) for key, value, about in _leaves(run)
    ]
    return Resolved((*settings, *_study_settings(given, study)), tuple(notes))


def _run_sources(given: Namespace, study: StudyConfig, run: RunConfig) -> dict[str, str]:
    """Dotted key -> what sets it last, in the order in which a launch applies them."""
    file, of_study = load_study_config(given.study or DEFAULT_STUDY), f"study {study.name}"
    sources = preset_sources(*preset_arguments(given))
    if given.config:
        sources |= dict.fromkeys([*flat(read_config(given.config)), "protocol"], f"--config {given.config}")
    told: dict[str, str] = dict.fromkeys(study.overrides, of_study)
    told["seed"] = "--seed" if given.seed is not None else of_study if "seed" in file.model_fields_set else DEFAULT
    for name, key in (("selection", "selection.rule"), ("thresholds", "thresholds")):
        if getattr(given, name) or getattr(study, name):
            told[key] = f"--{name}" if getattr(given, name) else of_study
    if given.allow_missing:
        told["dataset.allow_missing"] = "--allow-missing"
    told |= dict.fromkeys(parse_assignments(given.set or []), "--set")
    return sources | with_partners(told) if run.thresholds == "both" else sources | told


def _study_settings(given: Namespace, study: StudyConfig) -> Iterator[Setting]:
    file = load_study_config(given.study or DEFAULT_STUDY)
    # 0 is a value that was given.
    named = [name for name, value in vars(given).items() if value is not None and value is not False]
    options = {STUDY_OPTIONS.get(name, name): name for name in named}
    values = study.as_dict()
    for name, field in StudyConfig.model_fields.items():
        source = f"study {study.name}" if name in file.model_fields_set else DEFAULT
        if name in options:
            source = f"--{options[name].replace('_', '-')}"
        elif name == "shared_base" and given.no_shared_base:
            source = "--no-shared-base"
        yield Setting(f"study.{name}", values[name], source, field.description or "")


def _leaves(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Dotted key, plain value and description of every field, parts that are None as they are."""
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", list(value) if isinstance(value, tuple) else value, field.description or ""


def resolved_text(found: Resolved, given: Namespace, about: bool = False) -> str:
    """As YAML: the sources are comments in one column, and with ``about`` the meaning of each key above it."""
    dataset, study = given.dataset or DEFAULT_DATASET, given.study or DEFAULT_STUDY
    lines = [f"# runs on {dataset}; of a value that study {study} varies, the one that the preset has", ""]
    lines += _aligned(_yaml_lines(found.settings, about))
    return "\n".join([*lines, *([""] if found.notes else []), *(f"# note: {note}" for note in found.notes)])


def _yaml_lines(settings: Iterable[Setting], about: bool) -> Iterator[tuple[str, str]]:
    """Line and comment; a part is opened where the first of its keys stands."""
    opened: list[str] = []
    for one in settings:
        *parents, name = one.key.split(".")
        for depth, parent in enumerate(parents):
            if opened[depth : depth + 1] != [parent]:
                opened = [*parents[:depth], parent]
                yield f"{'  ' * depth}{parent}:", ""
        opened, indent = list(parents), "  " * len(parents)
        if about and one.about:
            yield f"{indent}# {one.about}", ""
        varies = f"; varied: {one.varies}" if one.varies else ""
        text = yaml.safe_dump(one.value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
        yield f"{indent}{name}: {text.removesuffix(chr(10)).removesuffix('...').strip()}", f"{one.source}{varies}"


def _aligned(lines: Iterable[tuple[str, str]]) -> list[str]:
    known = list(lines)
    width = max((len(line) for line, comment in known if comment and len(line) <= WIDTH), default=0)
    return [f"{line:<{width}}  # {comment}" if comment else line for line, comment in known]
