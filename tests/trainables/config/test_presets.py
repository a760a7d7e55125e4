"""The presets that travel with the package: complete, findable, and different where the paper and its code are."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest

from trainables.config.base_models import BasnetConfig, WtalcConfig
from trainables.config.presets import BASE_MODEL_PRESETS, PRESETS, datasets, features_of, preset
from trainables.config.run import RunConfig, field_keys
from trainables.errors import UserError
from trainables.text_files import parse_yaml


@pytest.mark.parametrize(("name", "variant"), [(name, v) for name, variants in PRESETS.items() for v in variants])
def test_every_preset_is_complete(name: str, variant: str) -> None:
    assert _unstated(f"{name}-{variant}", f"model.{variant}.") == set()


@pytest.mark.parametrize("protocol", ["released", "paper"])
@pytest.mark.parametrize("dataset", datasets())
def test_every_data_set_has_both_presets(dataset: str, protocol: str) -> None:
    for features in features_of(dataset):
        config = preset(dataset, features, protocol)  # type: ignore[arg-type]
        assert (config.protocol, config.dataset.name, config.dataset.features) == (protocol, dataset, features)
        assert config.model.name == "refineloc"


@pytest.mark.parametrize(
    ("base_model", "data"), [(m, d) for m, data in BASE_MODEL_PRESETS.items() for d in data if d != "general"]
)
def test_a_preset_of_a_base_model_is_found_by_its_data_set(base_model: str, data: str) -> None:
    dataset, features = ("thumos14", "i3d") if data == "thumos14-i3d" else (data, None)
    config = preset(dataset, features, base_model=base_model)
    assert (config.model.name, config.dataset.name, config.dataset.features) == (base_model, dataset, features)


def test_the_presets_of_thumos14_hold_what_the_base_models_authors_published() -> None:
    wtalc, basnet = (preset("thumos14", base_model=name) for name in ("wtalc", "basnet"))
    assert wtalc.model.wtalc == WtalcConfig()
    assert basnet.model.basnet == BasnetConfig()
    for config, steps, videos in ((wtalc, 20_000, 10), (basnet, 1500, 16)):
        training = config.training
        assert training.epochs * (training.batches_per_epoch or 0) == steps
        assert (training.batch_videos, training.lr, training.weight_decay) == (videos, 1e-4, 5e-4)
        assert (training.lr_decay, training.choice) == (1, "last")
        assert config.evaluation.protocol == config.model.name


def _unstated(name: str, *own: str) -> set[str]:
    """Keys that a preset leaves to the defaults, but for those that only some runs have."""
    text = (resources.files("configs") / "datasets" / "presets" / f"{name}.yaml").read_text()
    sections = ("dataset.", "model.wtalc.", "model.basnet.")
    optional = {key for key in field_keys() if key.startswith(sections) and not key.startswith(own)}
    optional |= {"selection.signal", "prediction.tune"}  # of a rule, and of a choice, that no preset has
    optional -= {"dataset.stream", "dataset.multi_label", "dataset.exclude_videos"}  # the authors' choices
    return set(field_keys()) - set(_keys(parse_yaml(text, name))) - optional


def _keys(tree: dict[str, Any], prefix: str = "") -> list[str]:
    return [
        key
        for name, value in tree.items()
        for key in (_keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"])
    ]


# The differences that a field decides (refineloc.md, section 9). The others are statements about the text or
# the tables (D22, D23, D27, D28, D38), the counts of videos (D25: exclude_videos) or follow from these.
DECIDED = {
    "loss.video": "D1",
    "model.attention": "D2",
    "prediction.thresholding": "D4",
    "prediction.dilation": "D5",
    "prediction.bridge": "D5",
    "prediction.score_attention": "D7",
    "prediction.score_video": "D7",
    "loss.pseudo_mean": "D15",
    "pseudo_labels.form": "D16",
    "pseudo_labels.foreground_share": "D18",
    "pseudo_labels.end_snippet": "D19",
    "pseudo_labels.source": "D20",
    "selection.rule": "D21",
    "dataset.multi_label": "D24",
    "model.hidden_floor": "D26",
    "refinement.patience": "D32",
    "pseudo_labels.randomness": "D37",
    "training.validation_order": "D39",
}


def test_the_two_presets_of_thumos14_differ_in_every_decided_difference() -> None:
    released, paper = (preset("thumos14", "i3d", protocol) for protocol in ("released", "paper"))

    def value(config: RunConfig, key: str) -> Any:
        current: Any = config
        for name in key.split("."):
            current = getattr(current, name)
        return current

    same = [key for key in DECIDED if value(released, key) == value(paper, key)]
    assert same == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("thumos",), "--dataset: no data set 'thumos'. Did you mean 'thumos14'?"),
        (("thumos14", "c3d"), "--features: thumos14 has no features 'c3d'; known: i3d or tsn"),
        (("thumos14", "tsn", "released", "wtalc"), "--base-model: no preset of wtalc for thumos14 with tsn; there are"),
        (("thumos14", None, "paper", "basnet"), "--protocol: basnet has no preset 'paper'"),
        (("thumos14", None, "released", "wtlc"), "--base-model: no presets for 'wtlc'. Did you mean 'wtalc'?"),
        (("utkinect", "i3d"), "--features: utkinect has no features 'i3d'; known: none; leave --features out"),
    ],
)
def test_an_unknown_preset_says_what_is_known(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message.replace('?', '.')}"):
        preset(*arguments)  # type: ignore[arg-type]
