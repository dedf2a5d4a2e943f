"""Progress bars on stderr, one a stage; none where stderr is not a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm

from clamr_select.indexing.progress import HEARING


class Bars:
    """A ``Progress`` callback that draws. Use as a context manager."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm] = {}

    def __enter__(self) -> Bars:
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if stage not in self._bars:
            unit = "s" if stage == HEARING else "frame"
            self._bars[stage] = tqdm(total=total, desc=stage, unit=unit, position=len(self._bars), file=sys.stderr)
        bar = self._bars[stage]
        bar.update(done - bar.n)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in reversed(self._bars.values()):
            bar.close()
