from __future__ import annotations

import time

import pytest

from trainables.worker.time_limit import TimeLimitExceeded, time_limit


def test_a_time_limit_interrupts_and_leaves_no_alarm_behind() -> None:
    with pytest.raises(TimeLimitExceeded, match=r"reached 0\.1 s into"), time_limit(0.1):
        time.sleep(5)
    with time_limit(0.1):
        pass
    time.sleep(0.15)
    with pytest.raises(TimeLimitExceeded, match="used up"), time_limit(0):
        pass
