"""The complete run configurations that travel with the package, as YAML in ``configs/datasets``.

``<name>-<protocol>.yaml`` holds RefineLoc's own base model, ``<name>-<base model>.yaml`` another one.
"""

from __future__ import annotations

from importlib import resources
from typing import Literal, get_args

from trainables.config.run import RunConfig, parse_config
from trainables.errors import UserError, nearest
from trainables.text_files import parse_yaml

Protocol = Literal["released", "paper"]

# Feature types that a data set has presets for; the first one is the default. None: its features have no choice.
FEATURES: dict[str, tuple[str | None, ...]] = {
    "spoken-digits": (None,),
    "utkinect": (None,),
    "thumos14": ("i3d", "tsn"),
    "activitynet12": ("i3d", "tsn"),
    "simulated": (None,),
}


def _base_model_presets() -> dict[str, tuple[str, ...]]:
    data = ["-".join(part for part in (name, kind) if part) for name, kinds in FEATURES.items() for kind in kinds]
    found: dict[str, tuple[str, ...]] = {}
    for file in sorted(path.name for path in (resources.files("configs") / "datasets").iterdir()):
        for name in data:
            variant = file.removeprefix(f"{name}-").removesuffix(".yaml")
            if file == f"{name}-{variant}.yaml" and variant not in get_args(Protocol):
                found[variant] = (*found.get(variant, ()), name)
    return found


# Base models with presets of their own, and the data sets (with features) that have them, as the files say.
BASE_MODEL_PRESETS = _base_model_presets()


def datasets() -> list[str]:
    """Names of the data sets that have presets."""
    return list(FEATURES)


def preset(
    dataset: str, features: str | None = None, protocol: Protocol = "released", base_model: str = "refineloc"
) -> RunConfig:
    """The preset of a data set; ``released``: as the authors' code does, ``paper``: as the paper's text says.

    A base model of other authors has one preset, after their released code. Raises UserError for a data set,
    feature type, protocol or base model that there is no preset for.
    """
    if dataset not in FEATURES:
        raise UserError(f"--dataset: no data set '{dataset}'. {nearest(dataset, FEATURES)}")
    known = FEATURES[dataset]
    if features is not None and features not in known:
        options = " or ".join(name for name in known if name) or "none: leave --features out"
        raise UserError(f"--features: {dataset} has no features '{features}'; known: {options}")
    features = features or known[0]
    variant: str = protocol if base_model == "refineloc" else _base_model(base_model, dataset, features, protocol)
    name = "-".join(part for part in (dataset, features, variant) if part)
    file = resources.files("configs") / "datasets" / f"{name}.yaml"
    if not file.is_file():
        raise UserError(f"--protocol: no preset configs/datasets/{name}.yaml; protocols: released, paper")
    return parse_config(parse_yaml(file.read_text(encoding="utf-8"), f"configs/datasets/{name}.yaml"), name)


def _base_model(name: str, dataset: str, features: str | None, protocol: Protocol) -> str:
    """``name``, if there is a preset of it for these features and this protocol."""
    if name not in BASE_MODEL_PRESETS:
        raise UserError(f"--base-model: no presets for '{name}'. {nearest(name, [*BASE_MODEL_PRESETS, 'refineloc'])}")
    if protocol != "released":
        raise UserError(f"--protocol: {name} has no preset '{protocol}', only released: leave --protocol out")
    known = BASE_MODEL_PRESETS[name]
    if "-".join(part for part in (dataset, features) if part) not in known:
        raise UserError(
            f"--base-model: no preset of {name} for {' with '.join(part for part in (dataset, features) if part)}; "
            f"there are presets for {', '.join(known)}"
        )
    return name
