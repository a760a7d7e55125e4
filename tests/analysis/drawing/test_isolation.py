"""Figures do not depend on the user's settings."""

import os

import matplotlib
import pytest
from matplotlib.figure import Figure

from analysis.drawing.isolation import BACKEND, import_matplotlib, isolated_style


def test_dollars_do_not_change_the_picture_into_a_formula() -> None:
    """As wide as its characters: a formula would drop the dollars and set the letters in italics."""
    with isolated_style({}):
        texts = [Figure().text(0, 0, text) for text in ("$a$", "aaa")]
    assert [text.get_parse_math() for text in texts] == [False, False]


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "no-such-backend"])
def test_a_backend_that_is_not_installed_is_no_hindrance_and_stays_named(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BACKEND, backend)
    before = matplotlib.get_backend()
    try:
        import_matplotlib()
        assert os.environ[BACKEND] == backend
    finally:
        matplotlib.rcParams["backend"] = before


def test_the_style_ends_with_its_block_and_wins_over_the_users() -> None:
    with matplotlib.rc_context({"text.usetex": True, "axes.facecolor": "red"}):
        with isolated_style({"axes.facecolor": "0.9"}):
            assert (matplotlib.rcParams["text.usetex"], matplotlib.rcParams["axes.facecolor"]) == (False, "0.9")
            assert matplotlib.rcParams["font.family"][0] == "DejaVu Sans"
        assert (matplotlib.rcParams["text.usetex"], matplotlib.rcParams["axes.facecolor"]) == (True, "red")
