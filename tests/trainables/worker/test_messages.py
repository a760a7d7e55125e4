from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

from tests.study.worlds import run_of
from trainables.worker.messages import (
    COMPLETED,
    RUNNING,
    CachedM0,
    RunFiles,
    TrialAnswer,
    TrialOrder,
    WorkerAnswer,
    WorkerOrder,
    answer_in,
    as_config,
    as_result,
    order_in,
    plain_config,
    plain_result,
)


def order_of(trial: int, title: str = "") -> TrialOrder:
    m0 = CachedM0("k", RunFiles(Path("base/k.pt"), Path("base/k.csv"), Path("base/k.model.pt")))
    files = RunFiles(Path("state.pt"), Path("predictions.csv"), Path("model.pt"))
    return TrialOrder(trial, run_of(), files, title=title, m0=m0)


def test_an_order_reaches_another_process_as_it_was_given() -> None:
    order = WorkerOrder((order_of(3, "t0003 attention β=4"),), cpus=2, gpus=0.5, timeout_s=9.0)
    assert order_in(pickle.loads(pickle.dumps(as_config(order)))) == order


def test_trials_that_share_a_process_are_named_after_the_first() -> None:
    assert WorkerOrder((order_of(3, "first"),)).title == "first"
    assert WorkerOrder((order_of(3, "first"), order_of(4), order_of(5))).title == "first and 2 more"
    assert WorkerOrder((order_of(3),)).title == "trial 3"


def test_a_result_tells_tune_the_best_objective_and_whether_all_have_ended() -> None:
    answer = WorkerAnswer((TrialAnswer(1, RUNNING, 20.0), TrialAnswer(2, COMPLETED, 30.0)), done=False)
    result = as_result(answer)
    assert (result["objective"], result["done"]) == (30.0, False)
    assert answer_in(result) == answer
    assert answer_in({"done": True, "trial_id": "a result of Tune's own"}) is None


def test_programs_that_know_no_order_read_plain_values() -> None:
    config = as_config(WorkerOrder((order_of(3), order_of(4))))
    assert plain_config(config) == {"trial": 3, "run": run_of().model_dump(mode="json")}
    ended = WorkerAnswer((TrialAnswer(3, "failed", math.nan, reason="r"),), done=True)
    told = plain_result(as_result(ended) | {"config": config, "trial_id": "x"})
    json.dumps(told)
    assert told.keys() == {"objective", "done", "config", "trial_id"}
    assert told["config"] == plain_config(config)


def test_a_trial_ends_with_every_state_but_running() -> None:
    assert not TrialAnswer(1, RUNNING, 20.0).ended
    assert TrialAnswer(1, "failed", math.nan).ended


def test_the_messages_need_neither_torch_nor_ray() -> None:
    code = "import sys, trainables.worker.messages; print({'torch', 'ray'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_an_order_is_its_own_copy_and_has_a_short_text() -> None:
    order = WorkerOrder((order_of(7, "t0007 attention β=4"),))
    copied = deepcopy({"order": order, "more": [1]})
    assert copied["order"] is order
    assert repr(order) == "WorkerOrder('t0007 attention β=4')"
