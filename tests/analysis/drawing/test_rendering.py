"""Figures as files; text is text, whatever the user's settings are."""

import io
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from PIL import Image

from analysis.drawing.rendering import Drawing, fewer_colours, on_axes, render, write_drawings
from trainables.errors import UserError


def drawing(text: str = "a") -> Drawing:
    def draw(ax: Axes) -> None:
        ax.plot([1, 2], label=text)
        ax.set_title(text)

    return Drawing("d", "about", on_axes(draw), pd.DataFrame({"x": [1, 2]}))


@pytest.mark.parametrize("text", [r"x$\foo$", "a$b$c", "日本語", "$", "_x^{", "العربية", "\u0007", "a\nb"])
def test_any_text_is_drawn_as_it_is_written_and_without_a_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = render(drawing(text), text)
    assert files["png"].startswith(b"\x89PNG")
    assert files["pdf"].startswith(b"%PDF")


def test_the_users_settings_stay_as_they_are_and_change_nothing() -> None:
    plain = render(drawing(), "t", ["png"])["png"]
    with matplotlib.rc_context({"text.usetex": True, "axes.facecolor": "red", "savefig.transparent": True}):
        assert render(drawing(), "t", ["png"])["png"] == plain
        assert matplotlib.rcParams["text.usetex"]


def test_files_are_written_and_a_place_that_cannot_be_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_drawings([drawing()], tmp_path / "out", "t")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"d.csv", "d.pdf", "d.png"}
    assert "d.{pdf,png,csv}" in capsys.readouterr().out
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to"):
        write_drawings([drawing()], tmp_path / "file" / "x", "t")


def test_a_picture_in_fewer_colours_is_smaller_and_shows_the_same() -> None:
    whole = render(drawing(), "t", ["png"])["png"]
    small = fewer_colours(whole)
    assert len(small) < len(whole) / 2
    one, other = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int64) for png in (whole, small))
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 2
