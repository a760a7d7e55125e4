from __future__ import annotations

from pathlib import Path

import pytest

from study.cli.config_file import METHOD, with_config, write_config
from tests.study.worlds import run_of
from trainables.config.presets import preset
from trainables.errors import UserError


def test_the_method_of_a_configuration_comes_back_on_another_data_set(tmp_path: Path) -> None:
    run, other = run_of(loss__beta=3.5, seed=7), preset("spoken-digits")
    write_config(tmp_path / "best.yaml", run, "the best\nof two lines")
    assert (tmp_path / "best.yaml").read_text().startswith("# the best\n# of two lines\nmodel:")
    found = with_config(other, tmp_path / "best.yaml")
    for part in METHOD:
        assert getattr(found, part) == getattr(run, part)
    assert (found.dataset, found.seed, found.protocol) == (other.dataset, other.seed, "custom")


def test_a_file_may_set_a_few_values(tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text("loss:\n  beta: 3.5\n")
    run = run_of()
    found = with_config(run, tmp_path / "few.yaml")
    assert found.loss == run.loss.model_copy(update={"beta": 3.5})
    assert found.training == run.training


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 3\n", "seed: is no setting of the method; leave it out, the seed is --seed"),
        ("dataset:\n  name: x\n", "dataset: is no setting of the method; leave it out, the data set is --dataset"),
        ("loss:\n  bta: 3\n", "loss.bta: unknown key. Did you mean 'beta'"),
    ],
)
def test_what_is_no_setting_of_the_method_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        with_config(run_of(), tmp_path / "wrong.yaml")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"--config: .*folder: .*; choose another file"):
        write_config(tmp_path / "folder", run_of(), "heading")
