"""A study folder with prediction files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.analysis.study_folders import StudyFolder, point, settings

CLASSES = ["x", "y"]
TRUTH_HEAD = "video-name,t-start,t-end,label,video-duration"
HEAD = "video-name,t-start,t-end,label,score"
TRUTH = ["a,0,10,x,30", "b,5,9,y,20", "c,1,4,x,10"]


def with_predictions(
    folder: Path, protocol: str = "activitynet", ambiguous: list[str] | None = None, test_map: Any = (25.0, 35.0)
) -> Path:
    """Three videos: refinement finds a, keeps b, loses c; mAP of the chosen iteration at 0.5 is 75.

    ambiguous: rows of ambiguous.csv, None for a folder of an older version. test_map: of M0 and iteration 1, as the
    ledger of trial 0 tells it.
    """
    dataset = {"name": "thumos14", "title": "T", "simulated": False, "classes": CLASSES, "notes": []}
    run = settings("s")["run"]
    run["evaluation"]["protocol"] = protocol
    made = StudyFolder(folder, dataset=dataset, run=run)
    made.add(point("attention", 1.0), list(test_map), offset=0)
    made.add(point("attention", 2.0), [20, 25])
    write(folder / "ground_truth.csv", TRUTH_HEAD, TRUTH)
    if ambiguous is not None:
        write(folder / "ambiguous.csv", "video-name,t-start,t-end", ambiguous)
    (folder / "predictions").mkdir()
    rows = ["a,0,10,x,0.9", "b,5,9,y,0.5", "c,8,9,x,0.4", "a,1,2,y,0.1"]
    write(folder / "predictions" / "t0000.csv", HEAD, rows)
    write(folder / "predictions" / "t0000.m0.csv", HEAD, ["a,20,25,x,0.9", "b,5,9,y,0.8", "c,1,4,x,0.7"])
    write(folder / "predictions" / "t0000.labels.csv", HEAD, ["a,0,8,foreground,1"])
    return folder


def write(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("\n".join([head, *rows]) + "\n")
