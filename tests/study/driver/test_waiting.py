from __future__ import annotations

from study.driver.waiting import WaitingQueue


def test_trials_come_in_the_order_of_their_turn() -> None:
    queue = WaitingQueue([4, 2])
    queue.add(9)
    assert [queue.take(lambda number: True) for _ in range(4)] == [4, 2, 9, None]


def test_a_trial_that_may_not_start_lets_the_next_one_go_first_and_keeps_its_turn() -> None:
    queue = WaitingQueue([1, 2, 3])
    assert queue.take(lambda number: number > 1) == 2
    assert queue.take(lambda number: False) is None
    assert len(queue) == 2
    assert queue.take(lambda number: True) == 1


def test_what_is_put_back_comes_first_in_its_own_order() -> None:
    queue = WaitingQueue([7])
    queue.put_back(iter([5, 6]))
    assert [queue.take(lambda number: True) for _ in range(3)] == [5, 6, 7]
