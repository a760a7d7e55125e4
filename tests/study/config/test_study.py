from __future__ import annotations

from pathlib import Path

import pytest

from study.config.space import check_values
from study.config.study import load_study_config, parse_study, recorded_study, studies
from tests.study.worlds import study_of
from trainables.config.presets import datasets, features_of, preset
from trainables.errors import UserError


@pytest.mark.parametrize("name", studies())
def test_every_named_study_fits_every_preset(name: str) -> None:
    study = load_study_config(name)
    assert study.name == name
    assert study.description
    for dataset, features in ((name, features) for name in datasets() for features in features_of(name)):
        for protocol in ("released", "paper"):
            run = preset(dataset, features, protocol).updated(study.overrides)
            check_values(study.space, run, name)


def test_the_budgets_are_the_papers() -> None:
    assert load_study_config("generator-beta").num_trials == 25
    assert load_study_config("thresholds").num_trials == 25
    assert (load_study_config("iterations").num_configurations, load_study_config("iterations").num_trials) == (1, 5)
    assert load_study_config("search").selection == "held-out"
    assert {load_study_config(name).selection for name in studies() if name != "search"} == {"paper"}


@pytest.mark.parametrize("name", studies())
def test_a_study_survives_its_plain_data(name: str) -> None:
    study = load_study_config(name)
    assert parse_study(study.as_dict(), "test") == study


def test_a_study_file_of_ones_own_is_read_by_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("space: {loss.beta: {choices: [1.0, 2.0]}}\nsampler: grid\n")
    assert (load_study_config(str(file)).name, load_study_config(str(file)).num_trials) == ("mine", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sampler: tpe", "mine.yaml: space: required key is missing"),
        ("spaec: {}", "mine.yaml: spaec: unknown key. Did you mean 'space'?"),
        ("space: {}\nsamplr: tpe", "mine.yaml: samplr: unknown key. Did you mean 'sampler'?"),
        ("space: {}\nseeds: 0", "mine.yaml: seeds: input should be greater than or equal to 1, got 0"),
        (
            "space: {}\nsampler: gird",
            "mine.yaml: sampler: input should be 'tpe', 'gp', 'qmc', 'random', 'grid' or 'brute_force', got 'gird'",
        ),
        ("space: {loss.beta: {low: 1.0, high: 2.0}}\nsampler: grid", "loss.beta: a grid needs choices or a step"),
        ("space: [", "mine.yaml: not valid YAML"),
    ],
)
def test_a_wrong_study_file_is_refused_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        load_study_config(str(file))
    assert message in str(error.value)


def test_an_unknown_study_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown study 'generator-bta'\. Did you mean 'generator-beta'\?"):
        load_study_config("generator-bta")


def test_a_study_of_before_counts_m0_and_a_new_one_does_not() -> None:
    tree = study_of().as_dict()
    del tree["objective"]
    assert parse_study(tree, "a new study").objective == "refined"
    assert recorded_study(tree, "study.json").objective == "best"
    assert recorded_study({**tree, "objective": "refined"}, "study.json").objective == "refined"
