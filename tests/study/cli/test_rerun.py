from __future__ import annotations

import math
from dataclasses import replace

from study.cli.rerun import differences, report_differences
from trainables.report import IterationReport, M0Origin, Selection


def test_differences_name_the_key_and_both_values_and_leave_times_out() -> None:
    recorded = {"seconds": 1.0, "map": {"test": {"map": [1.0, 2.0]}}, "loss": None, "pseudo_labels": None}
    found = {"seconds": 9.0, "map": {"test": {"map": [1.0, 2.5]}}, "loss": math.nan, "pseudo_labels": None}
    assert list(differences(recorded, found)) == ["map.test.map[1]: 2.0, now 2.5"]
    assert list(differences(recorded, recorded)) == []
    assert list(differences({"a": 1}, {"b": 1})) == ["a: 1, now None"], "a newer version may add numbers"


def test_an_m0_of_the_cache_and_one_of_its_own_do_not_differ() -> None:
    own = IterationReport(0, Selection("test", 5.0), 0, 5.0, False, seconds=1.0)
    shared = replace(own, m0=M0Origin("key", trained=False))
    assert list(report_differences(shared, own)) == []
    assert len(list(report_differences(shared, replace(own, best_so_far=6.0)))) == 1
