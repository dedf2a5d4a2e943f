"""Items from one thread to another, in order, a bounded number of them on the way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Channel(Generic[Item]):
    """One thread puts items in a ``with`` block; another iterates over them until the block has ended.

    An error that leaves the block is raised where the items are read, after those that were put before it.

    Args:
        max_waiting: items that may be on the way, at least 1.
    """

    def __init__(self, *, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: deque[Item] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._has_ended = self._has_left = False

    def put(self, item: Item) -> bool:
        """Wait for room. False where the reader has left, and the item with it."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_left or len(self._waiting) < self._max_waiting)
            if self._has_left:
                return False
            self._waiting.append(item)
            self._changed.notify_all()
            return True

    def leave(self) -> None:
        """The reader wants no more."""
        with self._changed:
            self._has_left = True
            self._waiting.clear()
            self._changed.notify_all()

    def __enter__(self) -> Channel[Item]:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        with self._changed:
            self._has_ended, self._error = True, error
            self._changed.notify_all()
        return True

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._has_ended)
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._waiting.popleft()
                self._changed.notify_all()
            yield item
