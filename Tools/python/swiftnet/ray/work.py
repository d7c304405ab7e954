# SPDX-License-Identifier: MIT
"""What is to be answered, cut into chunks: who takes how much, what comes back, in which order. No Ray, no sockets."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from ..errors import RequestRefused, SwiftNetError, Unavailable

FIRST_CHUNK = 4
"""Items of a replica's first chunk, before its speed is known."""


@dataclasses.dataclass
class Chunk:
    """Items that are sent in one request: `items[i]` is item `start + i` of the whole."""

    run: Run
    start: int
    items: list[Any]
    attempts: int = 0

    def halves(self) -> tuple[Chunk, Chunk]:
        middle = len(self.items) // 2
        return (
            Chunk(self.run, self.start, self.items[:middle], self.attempts),
            Chunk(self.run, self.start + middle, self.items[middle:], self.attempts))


class Speed:
    """Items a second of one connection, by kind of work; what came lately counts more."""

    def __init__(self) -> None:
        self._rates: dict[str, float] = {}

    def note(self, kind: str, items: int, seconds: float) -> None:
        rate = items / max(seconds, 1e-6)
        before = self._rates.get(kind)
        self._rates[kind] = rate if before is None else before + 0.3 * (rate - before)

    def items_in(self, kind: str, seconds: float) -> int:
        rate = self._rates.get(kind)
        return FIRST_CHUNK if rate is None else max(1, int(rate * seconds))

    def rate(self, kind: str) -> float | None:
        return self._rates.get(kind)


class Run:
    """One `map`: items that are taken as they are needed, and answers in their order.

    answer: asks a replica about items; returns as many answers.
    changed: told, with the pool's lock held, when there is something to do or to read.
    window: items that may be under way or wait to be read; so a long iterator is not read to its end at once.
    """

    MOST_ATTEMPTS = 6

    def __init__(
        self, items: Iterable[Any], kind: str, answer: Callable[[Any, list[Any]], list[Any]], changed: threading.Condition,
        window: int, returns_errors: bool,
    ):
        self.kind = kind
        self.answer = answer
        self._changed = changed
        self._window = window
        self._returns_errors = returns_errors
        self._total = len(items) if isinstance(items, Sized) else None
        self._items = iter(items)
        self._reading = threading.Lock()
        self._returned: collections.deque[Chunk] = collections.deque()
        self._answers: dict[int, Any] = {}
        self._taken = 0
        self._read = 0
        self._is_exhausted = False
        self.failure: BaseException | None = None
        self.is_over = False

    # MARK: For those who work

    def has_work(self) -> bool:
        if self.is_over or self.failure:
            return False
        return bool(self._returned) or (not self._is_exhausted and self._taken - self._read < self._window)

    def take(self, wanted: int, connections: int, least: int = 1) -> Chunk | None:
        """The next chunk, of no more than `wanted` items: towards the end less, so that all `connections` end together, but not
        less than `least`, which take longer than it does to send them."""
        with self._changed:
            if self._returned:
                return self._returned.popleft()
        # The iterator is somebody's own code: it is asked by one thread at a time, and holds up nobody else.
        with self._reading:
            if self._is_exhausted or self.is_over:
                return None
            count = min(wanted, self._window - (self._taken - self._read))
            if self._total is not None:
                count = min(count, max(1, least, (self._total - self._taken) // (2 * max(1, connections))))
            items: list[Any] = []
            is_exhausted = False
            try:
                while len(items) < count:
                    items.append(next(self._items))
            except StopIteration:
                is_exhausted = True
            except BaseException as failure:  # told to whoever reads the answers
                self.fail(failure)
            with self._changed:
                # Together: who reads must not see the end before the last items.
                start = self._taken
                self._taken += len(items)
                self._is_exhausted = is_exhausted
                if is_exhausted:
                    self._changed.notify_all()
        return Chunk(self, start, items) if items else None

    def finish(self, chunk: Chunk, answers: list[Any]) -> None:
        with self._changed:
            if len(answers) != len(chunk.items):
                self.failure = SwiftNetError(f"{len(chunk.items)} items were sent and {len(answers)} answers came")
            for index, answer in enumerate(answers, chunk.start):
                if index in self._answers or index < self._read:
                    self.failure = AssertionError(f"item {index} was answered twice")
                self._answers[index] = answer
            self._changed.notify_all()

    def give_back(self, chunk: Chunk, reason: SwiftNetError) -> None:
        """Work that a replica did not do. From the second time on it is halved, as one of its items may be what ends replicas:
        in the end that one is alone, and given up."""
        chunk.attempts += 1
        if chunk.attempts >= self.MOST_ATTEMPTS and len(chunk.items) == 1:
            return self._settle(chunk, Unavailable(f"{reason}; given up after {chunk.attempts} attempts"))
        parts = chunk.halves() if chunk.attempts >= 2 and len(chunk.items) > 1 else (chunk,)
        with self._changed:
            self._returned.extendleft(reversed(parts))
            self._changed.notify_all()

    def refuse(self, chunk: Chunk, reason: Exception) -> None:
        """Work that can't be done whoever does it: the item that is the reason is found by halving."""
        status = reason.status if isinstance(reason, RequestRefused) else 0
        if status in (401, 403, 404, 405):
            return self.fail(reason)
        if len(chunk.items) == 1:
            return self._settle(chunk, reason)
        with self._changed:
            self._returned.extendleft(reversed(chunk.halves()))
            self._changed.notify_all()

    def cut(self, chunk: Chunk, count: int) -> Chunk:
        """The first items of a chunk whose whole would be too large; the rest is given back."""
        rest = Chunk(self, chunk.start + count, chunk.items[count:], chunk.attempts)
        with self._changed:
            self._returned.appendleft(rest)
            self._changed.notify_all()
        return Chunk(self, chunk.start, chunk.items[:count], chunk.attempts)

    def fail(self, failure: BaseException) -> None:
        with self._changed:
            self.failure = self.failure or failure
            self._changed.notify_all()

    def _settle(self, chunk: Chunk, reason: Exception) -> None:
        self.finish(chunk, [reason] * len(chunk.items))

    # MARK: For whoever reads

    def answers(self, check: Callable[[], None]) -> Iterator[Any]:
        """The answers, in the order of the items.

        check: called now and then while there is nothing to read; raises if nothing will come any more.
        """
        try:
            while True:
                answer = self._next(check)
                if answer is _END:
                    return
                if isinstance(answer, Exception) and not self._returns_errors:
                    raise answer
                yield answer
        finally:
            with self._changed:
                self.is_over = True
                self._changed.notify_all()

    def _next(self, check: Callable[[], None]) -> Any:
        checked = time.monotonic()
        with self._changed:
            while True:
                if self.failure:
                    raise self.failure
                if self._read in self._answers:
                    answer = self._answers.pop(self._read)
                    self._read += 1
                    if self._read % 64 == 0 or self._window < 128:
                        self._changed.notify_all()
                    return answer
                if self._is_exhausted and self._read >= self._taken:
                    return _END
                self._changed.wait(0.25)
                if time.monotonic() - checked > 0.25:
                    checked = time.monotonic()
                    check()


_END = object()
