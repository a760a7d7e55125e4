"""The waiting queue: trials that are proposed and not running."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class WaitingQueue:
    """Numbers of trials in the order of their turn. A trial that may not start yet lets the next one go first."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers = list(numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int) -> None:
        """At the end."""
        self._numbers.append(number)

    def put_back(self, numbers: Iterable[int]) -> None:
        """At the front, in their order."""
        self._numbers[:0] = numbers

    def take(self, may_start: Callable[[int], bool]) -> int | None:
        """The first trial that may start; None while none may."""
        for number in self._numbers:
            if may_start(number):
                self._numbers.remove(number)
                return number
        return None
