"""Complete run configurations: a data set file, and the settings that it starts from.

The settings travel with the package as YAML in ``configs/datasets/presets``: ``<name>-<protocol>.yaml`` for RefineLoc's
own base model, ``<name>-<base model>.yaml`` for another one. What they say of videos and features is what the authors
chose for that data set (half of the features, videos left out); a data set of one's own takes only the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal, NamedTuple, get_args

from trainables.config.dataset_file import DatasetFile, FeatureSet, find_dataset, shipped, shipped_names
from trainables.config.part import Overrides
from trainables.config.run import RunConfig, parse_config
from trainables.errors import UserError, nearest
from trainables.json_types import JsonObject
from trainables.text_files import parse_yaml

Protocol = Literal["released", "paper"]


def _variants() -> dict[str, tuple[str, ...]]:
    """Preset -> its protocols and base models, as the files say."""
    found: dict[str, tuple[str, ...]] = {}
    for file in sorted(path.name for path in (resources.files("configs") / "datasets" / "presets").iterdir()):
        name, _, variant = file.removesuffix(".yaml").rpartition("-")
        if name and file.endswith(".yaml"):
            found[name] = (*found.get(name, ()), variant)
    return found


PRESETS = _variants()

# Base models with presets of their own, and the presets that have them.
BASE_MODEL_PRESETS = {
    model: tuple(name for name, variants in PRESETS.items() if model in variants)
    for model in sorted({variant for variants in PRESETS.values() for variant in variants} - set(get_args(Protocol)))
}


def datasets() -> list[str]:
    """Names of the data sets that come with the project."""
    return shipped_names()


def features_of(dataset: str) -> tuple[str | None, ...]:
    """Feature types of a data set that comes with the project, the default first; (None,) where it has no choice."""
    described = shipped(dataset)
    return tuple(part.name for part in described.features) if described.reader == "files" else (None,)


def preset(
    dataset: str | DatasetFile,
    features: str | None = None,
    protocol: Protocol = "released",
    base_model: str = "refineloc",
) -> RunConfig:
    """The configuration that a data set starts from, by its name, its file, or the path of its file.

    ``released``: as the authors' code does, ``paper``: as the paper's text says. A base model of other authors has one
    preset, after their released code. Raises UserError for a data set, feature type, protocol or base model that there
    is none for.
    """
    start = _start(dataset, features, protocol, base_model)
    described = start.described
    tree = {**start.settings, "dataset": start.settings["dataset"] | described.values(start.features)}
    run = parse_config(tree, described.where)
    run = run.updated(described.evaluation.values(), f"{described.where}: evaluation")
    return run.updated(described.overrides, f"{described.where}: overrides")


def preset_sources(
    dataset: str | DatasetFile,
    features: str | None = None,
    protocol: Protocol = "released",
    base_model: str = "refineloc",
) -> dict[str, str]:
    """Dotted key -> what sets it in ``preset`` of the same arguments: the preset, or the data set file. A key that is
    missing has its default."""
    start = _start(dataset, features, protocol, base_model)
    described = start.described
    of_dataset = {f"dataset.{key}": value for key, value in described.values(start.features).items()}
    own = {**flat(of_dataset), **described.evaluation.values(), **described.overrides}
    file = described.file or f"data set {described.name}"
    return dict.fromkeys(flat(start.settings), f"preset {start.preset}") | dict.fromkeys(own, file)


def flat(tree: Mapping[str, Any]) -> Overrides:
    """A nested mapping as dotted keys and values."""
    found: Overrides = {}
    for key, value in tree.items():
        inner = flat(value) if isinstance(value, Mapping) else None
        found |= {key: value} if not inner else {f"{key}.{name}": part for name, part in inner.items()}
    return found


class _Start(NamedTuple):
    """What a configuration starts from. settings: of the preset, as far as they are for this data set."""

    described: DatasetFile
    features: FeatureSet
    preset: str
    settings: JsonObject


def _start(dataset: str | DatasetFile, features: str | None, protocol: Protocol, base_model: str) -> _Start:
    described = find_dataset(dataset) if isinstance(dataset, str) else dataset
    chosen = described.features_named(features)
    name = chosen.preset or described.preset
    if name not in PRESETS:
        raise UserError(f"{described.where}: preset: no preset '{name}'. {nearest(name, PRESETS)}")
    variant = protocol if base_model == "refineloc" else _base_model(base_model, name, described, chosen, protocol)
    if variant not in PRESETS[name]:
        raise UserError(f"--protocol: {described.name} has no preset '{variant}'; protocols: released, paper")
    tree = _settings(f"{name}-{variant}")
    known = tree["dataset"] if described.file is None else {"multi_label": tree["dataset"]["multi_label"]}
    return _Start(described, chosen, f"{name}-{variant}", {**tree, "dataset": known})


def _settings(name: str) -> JsonObject:
    file = resources.files("configs") / "datasets" / "presets" / f"{name}.yaml"
    return parse_yaml(file.read_text(encoding="utf-8"), f"configs/datasets/presets/{name}.yaml")


def _base_model(name: str, of: str, described: DatasetFile, chosen: FeatureSet, protocol: Protocol) -> str:
    """``name``, if there is a preset of it for these features and this protocol."""
    if name not in BASE_MODEL_PRESETS:
        raise UserError(f"--base-model: no presets for '{name}'. {nearest(name, [*BASE_MODEL_PRESETS, 'refineloc'])}")
    if protocol != "released":
        raise UserError(f"--protocol: {name} has no preset '{protocol}', only released: leave --protocol out")
    if of not in BASE_MODEL_PRESETS[name]:
        with_features = f" with {chosen.name}" if described.reader == "files" else ""
        raise UserError(
            f"--base-model: no preset of {name} for {described.name}{with_features}; there are presets for "
            f"{', '.join(BASE_MODEL_PRESETS[name])}"
        )
    return name
