"""Mutated input files of every kind, read as the commands read them: ``python -m tests.trainables.data.mutations``.

Prints JSON: how many files were read and how many refused, the slowest, the memory, and every file that failed in
another way than by UserError (kept in the folder). A process of its own, as a damaged HDF5 file may end one.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from trainables.data.annotation_files import read_annotations
from trainables.data.class_lists import read_class_list
from trainables.data.feature_layouts import open_features
from trainables.data.features import load_features, plan_features
from trainables.data.ground_truth import GroundTruth, read_ground_truth
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.evaluation.detections import read_detections
from trainables.evaluation.mean_ap import evaluate

HEADER = "video-name,t-start,t-end,label,video-duration,fps,video-num-frames\n"
CSV = HEADER + "v0,1,2.5,Swim,100,25,2500\nv0,3,4,Run,100,25,2500\nv1,0,1,Swim,50.5,30,1515\n"
DATABASE = {
    "version": "1",
    "database": {
        "v0": {"subset": "training", "duration": 9.5, "annotations": [{"segment": [1, 2], "label": "Swim"}]},
        "v1": {
            "subset": "validation",
            "fps": 25,
            "annotations": [{"segment": [1, 2.5], "label": "Run", "label_id": 1}],
        },
        "v2": {"subset": "testing"},
    },
}
PREDICTIONS = "video-name,t-start,t-end,label,score\nv0,1,2,Swim,0.5\nv1,0.5,1e1,Run,1\n"
RESULTS = {"results": {"v0": [{"segment": [1, 2], "label": "Swim", "score": 0.5}], "v_v1": []}, "version": "1.3"}
TRUTH = GroundTruth(
    Segments.of(["v0", "v1"], [1, 0], [2, 5], [0, 1]),
    ("Swim", "Run"),
    numbers={0: "Swim"},
    videos=frozenset(["v0", "v1"]),
)
TOKENS = [
    b"inf", b"-inf", b"nan", b"1e400", b"9" * 400, b"-1", b"0", b"1_0", "\u0661".encode(), b"", b",", b",,", b'"', b"'",
    b"{", b"}", b"[", b"]", b"[" * 3000, b'{"a":' * 3000, b"null", b"true", b"\xe9", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\0", b"\r", b"\n\n", b"\t", b" ", b"x" * 300, b"x" * 200_000, b"v0", b'"v0":', b"\xed\xa0\x80", b"\\ud800",
    b"1e-400", b"-0",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    print(json.dumps(run(given.folder, given.count, given.seed)))


def run(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Read ``count`` mutated files of each kind."""
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failures, accepted, refused, slowest = [], 0, 0, 0.0
    for number, (kind, (make, read)) in enumerate(KINDS.items()):
        rng = np.random.default_rng([seed, number])
        original = make(folder / kind)
        content = original.read_bytes()
        for file in range(count):
            original.write_bytes(mutated(content, rng))
            begin = time.perf_counter()
            try:
                read(original)
                accepted += 1
            except UserError as error:
                refused += 1
                if "\n" in str(error).strip() or len(str(error)) > 3000:
                    failures.append(f"{kind} {file}: not one line: {str(error)[:300]}")
            except Exception:
                (folder / f"failed_{kind}_{file}{original.suffix}").write_bytes(original.read_bytes())
                failures.append(f"{kind} {file}: {traceback.format_exc(limit=-3)}")
            slowest = max(slowest, time.perf_counter() - begin)
        print(f"{kind}: {accepted} accepted, {refused} refused so far", file=sys.stderr)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    return {
        "accepted": accepted,
        "refused": refused,
        "slowest_s": slowest,
        "grown_mb": grown_kb / 1024,
        "failures": failures,
    }


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes of bytes, tokens, lines or length; in a large file mostly near its header."""
    for _ in range(int(rng.integers(1, 4))):
        content = CHANGES[int(rng.integers(len(CHANGES)))](content, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    reach = min(len(content), 1024) if rng.random() < 0.8 else len(content)
    return int(rng.integers(reach + 1))


def _byte(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + bytes([int(rng.integers(256))]) + content[at + 1 :]


def _token(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + TOKENS[int(rng.integers(len(TOKENS)))] + content[at + int(rng.integers(4)) :]


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted((_place(content, rng), _place(content, rng)))
    return content[:first] + content[last:]


def _twice(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted((_place(content, rng), _place(content, rng)))
    return content[:last] + content[first:last] + content[last:]


def _field(content: bytes, rng: np.random.Generator) -> bytes:
    """A whole field of text replaced, as separated by commas, blanks or lines."""
    separators = [at for at, byte in enumerate(content[:5000]) if byte in b", \n:[]{}"]
    if len(separators) < 2:
        return content
    at = int(rng.integers(len(separators) - 1))
    token = TOKENS[int(rng.integers(len(TOKENS)))]
    return content[: separators[at] + 1] + token + content[separators[at + 1] :]


def _truncated(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


CHANGES = (_byte, _byte, _token, _field, _field, _cut, _twice, _truncated)


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        folder.mkdir(parents=True)
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return make


def _npy(folder: Path) -> Path:
    folder.mkdir(parents=True)
    np.save(folder / "v0.npy", np.ones((20, 8), np.float32))
    return folder / "v0.npy"


def _objects(folder: Path) -> Path:
    folder.mkdir(parents=True)
    np.save(folder / "videoname.npy", np.array([b"v0", b"v1"]))
    array = np.empty(2, dtype=object)
    array[:] = [np.ones((5, 4)), np.ones((7, 4))]
    np.save(folder / "features.npy", array, allow_pickle=True)
    return folder / "features.npy"


def _arrays(folder: Path) -> Path:
    folder.mkdir(parents=True)
    segments, labels = np.empty(2, dtype=object), np.empty(2, dtype=object)
    segments[:] = [[[1.0, 2.0]], [[0.0, 1.0], [2.0, 3.5]]]
    labels[:] = [["Swim"], ["Run", "Swim"]]
    arrays = {
        "videoname": np.array([b"v0", b"v1"]),
        "subset": np.array([b"validation", b"test"]),
        "segments": segments,
        "labels": labels,
        "duration": np.array([[9.0], [8.0]]),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=True)
    return folder / "segments.npy"


def _hdf5(folder: Path) -> Path:
    folder.mkdir(parents=True)
    with h5py.File(folder / "f.hdf5", "w") as file:
        file["v0"] = np.ones((20, 8), np.float32)
        file.create_dataset("v1", data=np.ones((20, 8)), compression="gzip", chunks=(5, 8))
        file["v2/features"], file["v2/timestamps"] = np.ones((4, 8)), np.arange(4)
    return folder / "f.hdf5"


def _evaluated(path: Path) -> None:
    truth = read_ground_truth(path)
    if np.any(truth.instances.start_s < truth.instances.end_s):
        evaluate(truth.instances, Segments.empty(), len(truth.classes), [0.5], len(truth.videos))


def _annotated(path: Path) -> None:
    annotations = read_annotations(path.parent)
    for split in ("train", "test"):
        annotations.subset(split).labels("video")


def _predicted(path: Path) -> None:
    found = read_detections(path, TRUTH).segments
    for protocol in ("activitynet", "thumos14", "wtalc"):
        evaluate(TRUTH.instances, found, 2, [0.5], protocol=protocol)


def _features(path: Path) -> None:
    source = open_features(path.parent)
    try:
        load_features(source, plan_features(source, ["v0", "v1", "v2"], "both", None))
    finally:
        source.close()


KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "csv_ground_truth": (_text("g.csv", CSV), _evaluated),
    "csv_annotations": (_text("some_train.csv", CSV), _annotated),
    "json_ground_truth": (_text("g.json", json.dumps(DATABASE)), _evaluated),
    "json_annotations": (_text("g.json", json.dumps(DATABASE)), _annotated),
    "thumos14_text": (_text("Swim_test.txt", "v0  1.0 2.5\nv1 0 1\n"), _annotated),
    "wtalc_arrays": (_arrays, _annotated),
    "csv_predictions": (_text("p.csv", PREDICTIONS), _predicted),
    "json_predictions": (_text("p.json", json.dumps(RESULTS)), _predicted),
    "class_list": (_text("c.txt", "1 Swim\n2 Run\n"), read_class_list),
    "npy_features": (_npy, _features),
    "object_features": (_objects, _features),
    "hdf5_features": (_hdf5, _features),
}


if __name__ == "__main__":
    main()
