from __future__ import annotations

import math

from study.cli.rerun import differences


def test_differences_name_the_key_and_both_values_and_leave_times_out() -> None:
    recorded = {"seconds": 1.0, "map": {"test": {"map": [1.0, 2.0]}}, "loss": None, "pseudo_labels": None}
    found = {"seconds": 9.0, "map": {"test": {"map": [1.0, 2.5]}}, "loss": math.nan, "pseudo_labels": None}
    assert list(differences(recorded, found)) == ["map.test.map[1]: 2.0, now 2.5"]
    assert list(differences(recorded, recorded)) == []
    assert list(differences({"a": 1}, {"b": 1})) == ["a: 1, now None"], "a newer version may add numbers"
