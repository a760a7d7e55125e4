"""A drawing as files: PDF, PNG and the data as CSV, at print size and in one style."""

from __future__ import annotations

import io
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.isolation import isolated_style
from analysis.drawing.style import COLUMN_IN, HEIGHT_IN, LEGEND_ROW_IN, PAPER, TITLE_CHARACTERS, TITLE_ROW_IN
from trainables.errors import UserError
from trainables.files import write_whole


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn, and its data. about: what it shows, for a caption. width, height: inches, no title."""

    name: str
    about: str
    draw: Callable[[Figure], None]
    data: pd.DataFrame
    width: float = COLUMN_IN
    height: float = HEIGHT_IN


def on_axes(draw: Callable[[Axes], None]) -> Callable[[Figure], None]:
    """Draw on the one pair of axes of a figure."""
    return lambda figure: draw(figure.subplots())


def render(drawing: Drawing, title: str, suffixes: Iterable[str] = ("pdf", "png")) -> dict[str, bytes]:
    """The figure's files by suffix; the data are always among them."""
    with isolated_style(PAPER):
        lines = _wrapped(title, drawing.width)
        figure = Figure(figsize=(drawing.width, drawing.height + TITLE_ROW_IN * len(lines)))
        if lines:
            figure.suptitle("\n".join(lines), x=0.01, ha="left")
        drawing.draw(figure)
        # A name that was no UTF-8 on the disk has characters that cannot be encoded.
        files = {"csv": drawing.data.to_csv(index=False).encode("utf-8", "replace")}
        for suffix in suffixes:
            buffer = io.BytesIO()
            # without a creation date the same numbers give the same file
            figure.savefig(buffer, format=suffix, metadata={"CreationDate": None} if suffix == "pdf" else None)
            files[suffix] = buffer.getvalue()
    return files


def fewer_colours(png: bytes) -> bytes:
    """The picture in 256 colours, a third of the size."""
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "png")
    return buffer.getvalue()


def write_drawings(drawings: Iterable[Drawing], out: Path, title: str) -> None:
    """Write all files into ``out`` and say so on stdout; raises UserError when that cannot be done."""
    for drawing in drawings:
        try:
            for suffix, content in render(drawing, title).items():
                write_whole(out / f"{drawing.name}.{suffix}", content)
        except OSError as error:
            raise UserError(f"--out: {out}: cannot be written to ({error.strerror})") from None
        print(out / f"{drawing.name}.{{pdf,png,csv}}", file=sys.stdout)


def legend_below(axes: Axes, columns: int = 2) -> None:
    """Outside the axes, where it covers no data; the figure grows by its rows."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.set_figheight(figure.get_figheight() + LEGEND_ROW_IN * -(-len(handles) // columns))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def _wrapped(title: str, width: float) -> list[str]:
    characters = int(TITLE_CHARACTERS * width / COLUMN_IN)
    return [line for part in title.splitlines() for line in textwrap.wrap(part, characters)]
