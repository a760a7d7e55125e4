"""How the number that compares iterations and configurations is written: its name, its unit and its sign.

It is the selection mAP, or under rule ``video-labels`` a signal that is no mAP. In ledgers and for samplers it is
higher where it is better; a loss therefore stands there as its negative. People read the loss itself, with its name.
Imports nothing that takes time, since every command that shows a study needs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LOSSES = frozenset({"video_loss"})  # signals whose recorded value is the negative of what they are called


def signal_name(signal: str) -> str:
    """What a recorded value is called: ``contrast``, and ``−video loss`` of one that is the negative of a loss."""
    name = signal.replace("_", " ").replace("map", "mAP")
    return f"\N{MINUS SIGN}{name}" if signal in LOSSES else name


@dataclass(frozen=True)
class Objective:
    """metric: name of the selection mAP, as ``mAP@0.5``. signal: what is compared instead of it; None: mAP is."""

    metric: str
    signal: str | None = None

    @classmethod
    def of(cls, rule: str, signal: str | None, metric: str) -> Objective:
        """By a selection rule; only ``video-labels`` compares by a signal."""
        return cls(metric, (signal or "signal") if rule == "video-labels" else None)

    @property
    def is_loss(self) -> bool:
        """Whether the number that people read is lower where it is better."""
        return self.signal in LOSSES

    @property
    def name(self) -> str:
        """``mAP@0.5``, ``video loss``, ``contrast``."""
        return self.metric if self.signal is None else signal_name(self.signal).lstrip("\N{MINUS SIGN}")

    @property
    def recorded(self) -> str:
        """Of the value as it is recorded, for axes: ``mAP@0.5 (%)``, ``−video loss (higher is better)``."""
        return f"{signal_name(self.signal)} (higher is better)" if self.signal and self.is_loss else f"{self.name} (%)"

    def recorded_of(self, read: float) -> float:
        """The recorded value of a number that people read. A loss may be given with the sign that ledgers give it."""
        return -abs(read) if self.is_loss else read

    def read_of(self, recorded: float) -> float:
        """The number that people read in place of a recorded one."""
        return -recorded if self.is_loss else recorded

    def number(self, value: float | None, decimals: int = 1, absent: str = "-") -> str:
        """Of a recorded value, without its name: a percentage, or a loss, which needs two decimals more."""
        if value is None or not math.isfinite(value):
            return absent
        return f"{-value:.{decimals + 2}f}" if self.is_loss else f"{value:.{decimals}f}"

    def text(self, value: float | None, decimals: int = 1) -> str:
        """With its name: ``mAP@0.5 45.1``, ``video loss 0.412``, ``contrast 20.3 %``."""
        unit = " %" if self.signal and not self.is_loss and value is not None else ""
        return f"{self.name} {self.number(value, decimals)}{unit}"

    def brief(self, value: float | None) -> str:
        """For lines about trials: a bare number is an mAP in percent, any other has its name."""
        return self.number(value) if self.signal is None or value is None else self.text(value)

    def difference(self, value: float) -> str:
        """A spread or a lead, which has no sign: ``1.20 points``, ``0.0120 of video loss``."""
        size = f"{value:.4f}" if self.is_loss else f"{value:.2f} points"
        return f"{size} of {self.name}" if self.signal else size
