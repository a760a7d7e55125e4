"""The protocols where they disagree, each against a slow version of itself, and on the real annotations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.thumos14 import THUMOS14_CLASSES
from trainables.data.annotation_files import read_annotations
from trainables.data.annotations import Annotations
from trainables.data.segments import Segments, temporal_iou
from trainables.evaluation.mean_ap import Evaluation, evaluate
from trainables.evaluation.protocols import PROTOCOLS

# (video, start_s, end_s, label[, score])
Row = tuple
NONE = Segments.empty()


def table(rows: list[Row]) -> Segments:
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return Segments.of(*columns)


def value(protocol: str, truth: list[Row], found: list[Row], tiou: float = 0.5, ambiguous: list[Row] = []) -> float:  # noqa: B006
    labels = 1 + max(row[3] for row in truth)
    result = evaluate(
        table(truth), table(found), labels, [tiou], protocol=protocol, ambiguous=table(ambiguous) if ambiguous else NONE
    )
    return float(result.map[0])


class TestWhereTheyDisagree:
    def test_an_overlap_equal_to_the_threshold(self) -> None:
        truth, half = [("v", 0.0, 64.0, 0)], [("v", 0.0, 32.0, 0, 1.0)]
        assert {name: value(name, truth, half) for name in PROTOCOLS} == {
            "activitynet": 100, "thumos14": 0, "wtalc": 100, "basnet": 100,
        }  # fmt: skip

    def test_a_sure_loose_detection_against_an_unsure_tight_one(self) -> None:
        truth = [("v", 0.0, 64.0, 0)]
        found = [("v", 0.0, 40.0, 0, 0.9), ("v", 0.0, 64.0, 0, 0.1)]
        # By score the first one matches, precision 1; the kit lets the instance take the tight one, precision 1/2.
        assert {name: value(name, truth, found) for name in PROTOCOLS} == {
            "activitynet": 100, "thumos14": 50, "wtalc": 100, "basnet": 100,
        }  # fmt: skip

    def test_the_first_instance_against_the_best_one(self) -> None:
        truth = [("v", 0.0, 64.0, 0), ("v", 32.0, 96.0, 0)]
        # Both detections overlap both instances by a third or more; the first fits the second instance best.
        found = [("v", 32.0, 90.24, 0, 0.9), ("v", 30.08, 96.0, 0, 0.8), ("v", 0.0, 12.8, 0, 0.7)]
        # W-TALC: the first detection uses up the first instance, the second one finds the second.
        assert value("wtalc", truth, found, 0.3) == pytest.approx(100)
        # ActivityNet: the same here, as each takes what is left.
        assert value("activitynet", truth, found, 0.3) == pytest.approx(100)
        # At 0.45 the second instance is all that the first two reach; the first instance stays.
        nearer = [("v", 22.4, 80.0, 0, 0.9), ("v", 25.6, 96.0, 0, 0.8)]
        # tIoU of the first: 41.6/80 with instance 1, 48/73.6 with instance 2; of the second: 38.4/96, 64/70.4.
        assert value("activitynet", truth, nearer, 0.5) == pytest.approx(50)
        assert value("wtalc", truth, nearer, 0.5) == pytest.approx(100)

    def test_interpolation(self) -> None:
        truth = [("v", 0.0, 64.0, 0), ("w", 0.0, 64.0, 0)]
        found = [("v", 200.0, 264.0, 0, 0.9), ("v", 0.0, 64.0, 0, 0.8), ("w", 0.0, 64.0, 0, 0.7)]
        # Precisions at the hits: 1/2, 2/3. Interpolated: 2/3, 2/3.
        assert value("activitynet", truth, found) == value("basnet", truth, found) == pytest.approx(200 / 3)
        assert (
            value("thumos14", truth, found) == value("wtalc", truth, found) == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
        )

    def test_ambiguous_intervals(self) -> None:
        truth, ambiguous = [("v", 0.0, 64.0, 0)], [("v", 60.0, 128.0, -1)]
        found = [("v", 96.0, 120.0, 0, 0.9), ("v", 0.0, 64.0, 0, 0.8)]
        # activitynet counts the first as false. The kit drops it and keeps the match, which touches the interval too;
        # W-TALC drops both, and with the only class empty the mAP is 0.
        assert {name: value(name, truth, found, ambiguous=ambiguous) for name in PROTOCOLS} == {
            "activitynet": 50, "thumos14": 100, "wtalc": 0, "basnet": 50,
        }  # fmt: skip
        elsewhere = [("w", 60.0, 128.0, -1)]
        assert value("thumos14", truth, found, ambiguous=elsewhere) == 50

    def test_detections_in_a_video_without_instances(self) -> None:
        truth, found = [("v", 0.0, 64.0, 0)], [("w", 0.0, 64.0, 0, 0.9), ("v", 0.0, 64.0, 0, 0.8)]
        # W-TALC's evaluator never looks at w, so that a class with detections there alone has none.
        assert {name: value(name, truth, found) for name in PROTOCOLS} == {
            "activitynet": 50, "thumos14": 50, "wtalc": 100, "basnet": 50,
        }  # fmt: skip
        two = [*truth, ("v", 70.0, 90.0, 1)]
        assert value("wtalc", two, [*found, ("w", 0.0, 64.0, 1, 0.9)]) == 0

    def test_equal_scores_keep_the_order_of_the_detections(self) -> None:
        truth, listed = [("v", 0.0, 64.0, 0)], [("v", 70.0, 90.0, 0, 0.5), ("v", 0.0, 64.0, 0, 0.5)]
        assert value("thumos14", truth, listed) == 50
        assert value("thumos14", truth, listed[::-1]) == 100

    def test_the_union_of_the_kit_decides_at_the_threshold(self) -> None:
        # Half of the instance. (0.3 - 0) + (0.6 - 0) - 0.3 is a little less than 0.6, which makes the quotient more.
        truth, found = [("v", 0.0, 0.6, 0)], [("v", 0.0, 0.3, 0, 1.0)]
        assert temporal_iou(0.0, 0.6, 0.0, 0.3) > 0.5
        assert value("thumos14", truth, found) == 0
        assert value("activitynet", truth, found) == 100

    def test_a_class_without_detections(self) -> None:
        truth, found = [("v", 0.0, 64.0, 0), ("v", 0.0, 64.0, 1)], [("v", 0.0, 64.0, 0, 1.0)]
        assert {name: value(name, truth, found) for name in PROTOCOLS} == {
            "activitynet": 50, "thumos14": 50, "wtalc": 0, "basnet": 50,
        }  # fmt: skip

    def test_the_grid_of_16_frames(self) -> None:
        # On the grid of 0.64 s: instance [0, 2), detection [0, 1).
        truth, found = [("v", 0.2, 1.2, 0)], [("v", 0.0, 0.64, 0, 1.0)]
        assert value("activitynet", truth, found) == 0
        assert value("wtalc", truth, found) == 100

    def test_an_instance_of_zero_length(self) -> None:
        truth, found = [("v", 0.0, 64.0, 0), ("v", 70.0, 70.0, 0)], [("v", 0.0, 64.0, 0, 1.0)]
        assert {name: value(name, truth, found) for name in PROTOCOLS} == {
            "activitynet": 100, "thumos14": 50, "wtalc": 50, "basnet": 50,
        }  # fmt: skip


def overlap(a: Row, b: Row) -> float:
    shared = max(0.0, min(a[2], b[2]) - max(a[1], b[1]))
    hull = max(a[2], b[2]) - min(a[1], b[1])
    return shared / hull if hull > 0 else 0.0


def slow_thumos14(truth: list[Row], found: list[Row], ambiguous: list[Row], tiou: float) -> float:
    """AP of one class, loop by loop as the kit: by video, then as listed, then a stable sort by score."""
    rows: list[tuple[float, bool]] = []
    for video in sorted({row[0] for row in [*truth, *found]}):
        ranked = sorted((row for row in found if row[0] == video), key=lambda row: -row[4])
        free = [True] * len(ranked)
        for instance in (row for row in truth if row[0] == video):
            overlaps = [overlap(instance, row) if free[i] else -1.0 for i, row in enumerate(ranked)]
            if overlaps and max(overlaps) > tiou:
                free[overlaps.index(max(overlaps))] = False
        touched = [
            any(a[0] == video and min(a[2], row[2]) - max(a[1], row[1]) > 0 for a in ambiguous) for row in ranked
        ]
        for row, unmatched, drop in zip(ranked, free, touched, strict=True):
            if not (unmatched and drop):
                rows.append((row[4], not unmatched))
    rows.sort(key=lambda row: -row[0])
    hits = [hit for _, hit in rows]
    return sum(sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit) / len(truth)


def slow_wtalc(truth: list[Row], found: list[Row], ambiguous: list[Row], tiou: float) -> float:
    """AP of one class with sets of snippets, word by word after evaluation.md, section 4."""
    found = [row for row in found if row[0] in {instance[0] for instance in truth}]

    def snippets(row: Row) -> set[int]:
        return set(range(round(row[1] * 25 / 16), round(row[2] * 25 / 16)))

    found = [r for r in found if not any(a[0] == r[0] and snippets(a) & snippets(r) for a in ambiguous)]
    left, hits = list(truth), []
    for row in sorted(found, key=lambda row: -row[4]):
        hit = False
        for instance in left:
            union = snippets(instance) | snippets(row)
            if instance[0] == row[0] and union and len(snippets(instance) & snippets(row)) / len(union) >= tiou:
                left.remove(instance)
                hit = True
                break
        hits.append(hit)
    return sum(sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit) / len(truth)


def spans(shortest: int) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(st.integers(0, 8), st.integers(shortest, 6)).map(lambda p: (p[0] * 0.64, (p[0] + p[1]) * 0.64))


videos = st.sampled_from(["a", "b"])
instances = st.lists(st.tuples(videos, spans(0)), min_size=1, max_size=8)
detections = st.lists(st.tuples(videos, spans(1)), max_size=12)
intervals = st.lists(st.tuples(videos, spans(1)), max_size=2)


places = st.sampled_from([0, 9])


@pytest.mark.parametrize(("protocol", "slow"), [("thumos14", slow_thumos14), ("wtalc", slow_wtalc)])
@given(
    truth=instances, found=detections, ambiguous=intervals, seed=st.integers(0, 99), decimals=st.sampled_from([0, 9])
)
def test_agrees_with_the_slow_evaluator(protocol, slow, truth, found, ambiguous, seed, decimals) -> None:  # type: ignore[no-untyped-def]
    if not any(span[0] < span[1] for _, span in truth):
        return
    rng = np.random.default_rng(seed)
    scores = np.round(rng.permutation(len(found)) / 4, decimals).tolist()  # without decimals, many are equal
    rows = [(video, *span, 0) for video, span in truth]
    detected = [(video, *span, 0, score) for (video, span), score in zip(found, scores, strict=True)]
    ignored = [(video, *span, -1) for video, span in ambiguous]
    for tiou in (0.1, 0.3, 0.45):  # no quotient of small integers: rounding decides nothing
        fast = value(protocol, rows, detected, tiou + 1e-6, ignored) / 100
        assert fast == pytest.approx(slow(rows, detected, ignored, tiou + 1e-6), abs=1e-9)


TIOU = [0.3, 0.5, 0.7]


def perturbed(annotations: Annotations) -> Segments:
    """Detections near the real test instances: some tight, some loose, some of them in ambiguous intervals."""
    rng = np.random.default_rng(0)
    truth = annotations.instances
    length = truth.end_s - truth.start_s
    start = np.maximum(truth.start_s + rng.normal(0, 0.2, len(truth)) * length, 0)
    end = start + length * rng.uniform(0.7, 1.4, len(truth))
    near = Segments.of(truth.video, start, end, truth.label, rng.random(len(truth)))
    ambiguous = annotations.ambiguous
    labels = rng.integers(0, 20, len(ambiguous))
    return Segments.concatenate(
        [near, Segments.of(ambiguous.video, ambiguous.start_s, ambiguous.end_s, labels, rng.random(len(ambiguous)))]
    )


class TestRealAnnotations:
    @pytest.fixture
    def test_split(self, shared: Path) -> Annotations:
        return read_annotations(shared / "data/thumos14/annotations", THUMOS14_CLASSES).subset("test")

    def run(self, annotations: Annotations, found: Segments, protocol: str) -> Evaluation:
        return evaluate(
            annotations.instances, found, 20, TIOU, len(annotations.videos), protocol, annotations.ambiguous
        )

    def test_the_annotations_themselves_are_found(self, test_split: Annotations) -> None:
        results = {name: self.run(test_split, test_split.instances, name) for name in PROTOCOLS}
        for name in ("activitynet", "thumos14", "basnet"):
            assert results[name].map.tolist() == [100, 100, 100], name
        # W-TALC removes true positives in ambiguous intervals, and 16 frames are longer than some instances.
        assert 90 < results["wtalc"].map[0] < 100
        assert results["wtalc"].predictions < len(test_split.instances)

    def test_protocols_differ_as_their_rules_say(self, test_split: Annotations) -> None:
        found = perturbed(test_split)
        value = {name: self.run(test_split, found, name).map for name in PROTOCOLS}
        assert (value["activitynet"] == value["basnet"]).all()  # no instance of zero length here
        without = replace_ambiguous(test_split)
        assert (self.run(without, found, "thumos14").map < value["thumos14"]).all()
        assert (self.run(without, found, "thumos14").map <= value["activitynet"] + 1).all()
        assert len({tuple(v) for v in value.values()}) == 3

    def test_counts_of_the_published_files(self, shared: Path) -> None:
        folder = shared / "data/thumos14"
        counts = {}
        for name, path in (("kit", "annotations"), ("wtalc", "wtalc"), ("basnet", "gt.json")):
            annotations = read_annotations(folder / path, THUMOS14_CLASSES).subset("test")
            counts[name] = (len(annotations.videos), len(annotations.instances), len(annotations.ambiguous))
        assert counts["wtalc"][:2] == (212, 3358)
        assert counts["basnet"] == (210, 3311, 0)
        assert counts["wtalc"][2] > 0
        assert counts["kit"][2] >= counts["wtalc"][2]


def replace_ambiguous(annotations: Annotations) -> Annotations:
    return replace(annotations, ambiguous_of={})
