"""What a worker prints: Ray's dashboard shows it as the log of the actor. Times are the node's own."""

from __future__ import annotations

import sys
import time

from trainables.objective import Objective
from trainables.worker.messages import TrialAnswer, TrialOrder


def log(line: str) -> None:
    """Print a line at once, with the time; to stderr, which is what the page of an actor opens with."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def begin_line(order: TrialOrder) -> str:
    """``t0007 segment_prediction β=4, seed 1: begins``"""
    known = order.known_iterations
    how = f"goes on after iteration {known - 1}" if known else "begins"
    return f"{order.label}, seed {order.run.seed}: {how}"


def answer_line(order: TrialOrder, answer: TrialAnswer) -> str:
    """``t0007 iteration 2: held-out 45.1, 12 s``; the number is the one that compares iterations."""
    report = answer.report
    if report is None:
        return f"{order.name}: {answer.state}: {answer.reason}"
    selection = report.selection
    number = Objective("mAP", selection.signal).brief(selection.number) if selection.number is not None else "no number"
    what = selection.split.replace("_", "-")
    end = f"; {answer.state}" if answer.ended else ""
    return f"{order.name} iteration {report.iteration}: {what} {number}, {report.seconds:.0f} s{end}"
