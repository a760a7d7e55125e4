"""``study.config``: the configuration of a launch, with where each value is from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from study.cli.arguments import parse_arguments
from study.cli.request import read_configuration
from study.cli.resolved import DEFAULT, Resolved, Setting, resolved
from study.config.__main__ import main
from study.config.study import studies
from trainables.config.presets import datasets
from trainables.config.run import RunConfig, field_keys


def resolved_by(*options: str) -> Resolved:
    return resolved(parse_arguments(list(options)))


def settings_by(*options: str) -> dict[str, Setting]:
    return {one.key: one for one in resolved_by(*options).settings}


def of_run(settings: dict[str, Setting]) -> dict[str, Any]:
    return {key: one.value for key, one in settings.items() if not key.startswith("study.")}


def default_of(key: str) -> Any:
    """Of a dotted key of RunConfig, as plain data."""
    part: Any = RunConfig.model_validate({"dataset": {"name": "x"}})
    for name in key.split("."):
        part = getattr(part, name)
    return list(part) if isinstance(part, tuple) else part


@pytest.mark.parametrize("dataset", datasets())
@pytest.mark.parametrize("study", [name for name in studies() if name != "base-models"])
def test_what_nothing_sets_has_its_default(dataset: str, study: str) -> None:
    settings = settings_by("--dataset", dataset, "--study", study)
    alone = {key: one for key, one in settings.items() if one.source == DEFAULT and not key.startswith("study.")}
    assert alone
    assert {key: one.value for key, one in alone.items()} == {key: default_of(key) for key in alone}


def test_the_values_are_those_of_a_launch() -> None:
    options = ["--dataset", "thumos14", "--study", "attention-head", "--protocol", "paper", "--set", "loss.beta=3"]
    _, run, _ = read_configuration(parse_arguments(options))
    values = of_run(settings_by(*options))
    assert values["loss.beta"] == run.loss.beta == 3
    assert values["training.lr"] == run.training.lr
    assert set(values) - set(field_keys()) == {"model.wtalc", "model.basnet", "dataset.simulation"}  # parts


def test_each_value_says_what_sets_it_last(tmp_path: Path) -> None:
    config, study = tmp_path / "best.yaml", tmp_path / "mine.yaml"
    config.write_text("training: {epochs: 7, lr: 0.5, batch_videos: 3}\n")
    study.write_text("space: {loss.beta: {choices: [1.0, 2.0]}}\noverrides: {training.lr: 0.25}\nseeds: 2\n")
    settings = settings_by(
        "--dataset", "utkinect", "--config", str(config), "--study", str(study), "--set", "training.batch_videos=5",
        "--selection", "paper", "--num-samples", "9",
    )  # fmt: skip
    found = {key: (settings[key].value, settings[key].source) for key in settings}
    assert found["model.attention"] == ("scalar", "preset utkinect-released")
    assert found["dataset.snippet_fps"] == (30.0, "data set utkinect")
    assert found["training.epochs"] == (7, f"--config {config}")
    assert found["training.lr"] == (0.25, "study mine")
    assert found["training.batch_videos"] == (5, "--set")
    assert found["selection.rule"] == ("paper", "--selection")
    assert found["seed"] == (0, DEFAULT)
    assert found["study.seeds"] == (2, "study mine")
    assert found["study.num_samples"] == (9, "--num-samples")
    assert settings["loss.beta"].varies == "1.0, 2.0"


@pytest.mark.parametrize("name", ["seed", "lookback", "grace"])
def test_a_zero_that_was_given_is_told_as_given(name: str) -> None:
    setting = settings_by(f"--{name}", "0")[f"study.{name}"]
    assert (setting.value, setting.source) == (0, f"--{name}")


def test_one_pair_of_thresholds_has_one_source() -> None:
    settings = settings_by("--study", "sampling", "--protocol", "paper", "--set", "prediction.min_attention=0.3")
    key = "pseudo_labels.segments.min_attention"
    assert (settings[key].value, settings[key].source) == (0.3, "--set")


def test_a_data_set_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("video,label\na,x\n")
    (tmp_path / "features").mkdir()
    file = tmp_path / "dataset.yaml"
    file.write_text(
        "title: Mine\nannotations: labels.csv\ntrain: {videos: [a]}\ntest: {videos: [b]}\n"
        "features: {name: i3d, path: features, fps: 10.0}\noverrides: {training.epochs: 3}\n"
    )
    settings = settings_by("--dataset", str(file))
    assert settings["dataset.train.videos"] == Setting("dataset.train.videos", ["a"], str(file), "names of videos")
    assert (settings["training.epochs"].value, settings["training.epochs"].source) == (3, str(file))
    assert settings["training.lr"].source == "preset general-released"


def test_the_text_is_yaml_with_sources_in_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["training", "--set", "training.epochs=30", "--about"]) == 0
    out = capsys.readouterr().out
    assert yaml.safe_load(out)["training"]["epochs"] == 30
    assert set(yaml.safe_load(out)) == {"dataset", "training"}  # dataset.training_labels
    lines = [line for line in out.splitlines() if "  # " in line.strip()]
    assert len({line.index("  # ") for line in lines}) == 1
    assert "  # epochs of each refinement iteration (D13)" in out.splitlines()


def test_the_whole_text_holds_every_setting_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    tree = yaml.safe_load(capsys.readouterr().out)
    assert tree["study"]["sampler"] == "tpe"
    assert tree["dataset"]["name"] == "spoken-digits"


def test_json_tells_value_source_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loss.beta", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["settings"]["loss.beta"]
    assert set(found) == {"value", "source", "about", "varies"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "foo.bar=1"], "--set: foo.bar: unknown key. 'python -m study.config' lists all"),
        (["nothing-like-it"], "no setting has 'nothing-like-it' in its name; python -m study.config lists all"),
        (["--dataset", "mine"], "python -m trainables.datasets new DIR writes one"),
    ],
)
def test_a_wrong_request_is_a_line(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert message in capsys.readouterr().err
