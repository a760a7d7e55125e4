from __future__ import annotations

from itertools import product

import optuna
import pytest

from study.config.first_points import first_points
from study.config.space import check_values, contains, grid, known_point, parse_space, suggest
from study.config.study import load_study_config, parse_study
from study.ledger import point_key
from tests.study.worlds import BETA, GENERATOR, MIN_ATTENTION, SPACE, run_of
from trainables.errors import UserError

SPACE_PARSED = parse_space(SPACE, "test")

TUNE = "prediction.tune"


def test_a_grid_holds_every_combination_once_and_only_the_keys_that_matter() -> None:
    points = grid(SPACE_PARSED)
    attention = [round(0.1 * step, 1) for step in range(1, 10)]
    expected = [
        {GENERATOR: generator, BETA: beta, MIN_ATTENTION: value}
        for generator, beta, value in product(("segment_prediction", "attention"), (1.0, 2.0, 4.0, 8.0), attention)
    ] + [{GENERATOR: "uniform_random", BETA: beta} for beta in (1.0, 2.0, 4.0, 8.0)]
    assert points == expected
    assert all(contains(SPACE_PARSED, point) for point in points)


def test_what_optuna_suggests_lies_in_the_space() -> None:
    points = grid(SPACE_PARSED)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        assert suggest(SPACE_PARSED, study.ask()) in points


@pytest.mark.parametrize(
    "point",
    [
        {},
        {GENERATOR: "uniform_random"},
        {GENERATOR: "uniform_random", BETA: 1.0, MIN_ATTENTION: 0.5},
        {GENERATOR: "attention", BETA: 1.0},
        {GENERATOR: "attention", BETA: 1.0, MIN_ATTENTION: 0.55},
        {GENERATOR: "attention", BETA: True, MIN_ATTENTION: 0.5},
        {GENERATOR: "oracle", BETA: 1.0},
    ],
)
def test_a_point_with_a_wrong_value_or_key_lies_outside(point: dict[str, object]) -> None:
    assert not contains(SPACE_PARSED, point)


def test_the_preset_is_a_point_of_the_space_and_what_does_not_fit_is_moved_and_said() -> None:
    run = run_of(pseudo_labels__generator="attention", loss__beta=5.0, pseudo_labels__segments__min_attention=0.98)
    point, notes = known_point(SPACE_PARSED, run)
    assert point == {GENERATOR: "attention", BETA: 4.0, MIN_ATTENTION: 0.9}
    assert len(notes) == 2
    assert "loss.beta = 5.0" in notes[0]
    oracle, notes = known_point(SPACE_PARSED, run_of(pseudo_labels__generator="oracle"))
    assert oracle is None
    assert "'oracle'" in notes[0]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"loss.bta": {"choices": [1.0]}}, "test: space: loss.bta: unknown key. Did you mean 'loss.beta'?"),
        ({BETA: {"choises": [1.0]}}, "test: space: loss.beta: choises: unknown key. Did you mean 'choices'?"),
        ({BETA: {}}, "test: space: loss.beta: needs either choices, or low and high"),
        ({BETA: {"choices": []}}, "test: space: loss.beta: choices: "),
        ({BETA: {"choices": [1.0, 1.0]}}, "choices must differ"),
        ({BETA: {"low": 2.0, "high": 1.0}}, "low must lie below high"),
        ({BETA: {"low": 0.0, "high": 1.0, "log": True}}, "log needs a positive range"),
        ({BETA: {"low": 1.0, "high": 2.0, "step": 0}}, "step: input should be greater than 0, got 0"),
        (
            {BETA: {"choices": [1.0], "when": {GENERATOR: ["attention"]}}},
            "must be a key of the space that stands above",
        ),
        ([1, 2], "test: space: expected a mapping"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_key(declared: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse_space(declared, "test")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("declared", [{"choices": [1, 2, 4]}, {"low": 1, "high": 4}])
def test_a_configuration_is_written_in_one_way_whoever_proposes_it(declared: dict[str, object]) -> None:
    study = parse_study({"name": "s", "space": {BETA: declared}, "first_points": [{BETA: 4.0}]}, "test")
    first = first_points(study, run_of().updated({BETA: 2.0}))
    asked = optuna.create_study()
    for value in (2, 4):
        asked.enqueue_trial({BETA: value})
    sampled = [suggest(study.space, asked.ask()) for _ in range(2)]
    assert [point_key(point) for _, point in first] == [point_key(point) for point in sampled]


def test_a_value_that_no_run_can_have_is_refused() -> None:
    space = parse_space({"pseudo_labels.sampled_share": {"choices": [0.5, 1.5]}}, "test")
    with pytest.raises(UserError, match=r"pseudo_labels.sampled_share: .* less than or equal to 1, got 1.5"):
        check_values(space, run_of(), "test")


def test_two_values_that_no_run_can_have_together_are_refused() -> None:
    models, tuned = {"choices": ["refineloc", "wtalc"]}, {"choices": ["none", "thresholds"]}
    with pytest.raises(UserError) as error:
        check_values(parse_space({"model.name": models, TUNE: tuned}, "test"), run_of(), "test")
    assert str(error.value).startswith(f"test: space: {TUNE}: ")
    assert "the space has model.name=wtalc and prediction.tune=thresholds" in str(error.value)
    tuned_there = {**tuned, "when": {"model.name": ["refineloc"]}}
    check_values(parse_space({"model.name": models, TUNE: tuned_there}, "test"), run_of(), "test")


def test_a_value_that_is_valid_only_where_its_key_matters_is_in_the_space() -> None:
    declared = {
        "model.name": {"choices": ["refineloc", "wtalc"]},
        TUNE: {"choices": ["thresholds"], "when": {"model.name": ["refineloc"]}},
    }
    check_values(parse_space(declared, "test"), run_of().updated({"model.name": "wtalc"}), "test")


def test_a_range_without_step_has_no_grid_but_integers_have() -> None:
    with pytest.raises(UserError, match="needs choices or a step"):
        grid(parse_space({BETA: {"low": 1.0, "high": 2.0}}, "test"))
    assert len(grid(parse_space({"model.layers": {"low": 1, "high": 3}}, "test"))) == 3


@pytest.mark.parametrize("name", ["search", "thresholds"])
def test_optuna_takes_the_steps_as_they_are(name: str, recwarn: pytest.WarningsRecorder) -> None:
    for dimension in load_study_config(name).space.values():
        dimension.distribution()
    assert len(recwarn) == 0
