"""Which fields of a task's documents hold the question, and what else a selector may read."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clamr_select.errors import InputError

Doc = Mapping[str, Any]


@dataclass(frozen=True)
class TaskQuestion:
    """What a document asks."""

    stem: str
    """The question alone: no options, no instructions, no transcript."""
    options: tuple[str, ...] = ()
    subtitles: str | None = None
    """File of the video's subtitles; None where the task has none."""
    keep_last: bool = False
    """Whether the question is about the last frame, so that it must be among those selected."""
    strata: Mapping[str, str] = field(default_factory=dict)
    """For reports: ``duration``, ``task_type``, ``evidence`` …"""

    def query(self, *, options: bool) -> str:
        """What frames are selected by."""
        return "\n".join([self.stem, *self.options]) if options and self.options else self.stem


@dataclass(frozen=True)
class Interleaved:
    """Of tasks that show pictures of a video, with words between them, in place of the video."""

    num_frames: Callable[[Doc, Mapping[str, Any]], int]
    """A document and ``dataset_kwargs`` to how many pictures the task shows."""
    retimed: Callable[[str, Doc, Mapping[str, Any], Sequence[float]], str]
    """(prompt, document, ``dataset_kwargs``, seconds of the frames) to the prompt for those frames."""


@dataclass(frozen=True)
class TaskAdapter:
    """How to read the documents of some tasks. Register it with :func:`register_task`.

    Example:
        >>> adapter = TaskAdapter(lambda doc, _: TaskQuestion(stem=doc["ask"], options=tuple(doc["choices"])))
        >>> register_task("my_task_*", adapter)

    Args:
        question: a document, and the task's ``dataset_kwargs``, to what it asks.
        videos: a document and ``dataset_kwargs`` to paths, where the task does not hand over paths itself; whatever
            it shows is replaced.
        interleaved: where it shows pictures of the video, with words between them.
        answerer_reads: what the task's own prompt holds beside frames and question, for reports.
    """

    question: Callable[[Doc, Mapping[str, Any]], TaskQuestion]
    videos: Callable[[Doc, Mapping[str, Any]], Sequence[str]] | None = None
    interleaved: Interleaved | None = None
    answerer_reads: tuple[str, ...] = ()
    name: str = ""

    def num_shown(self, doc: Doc, arguments: Mapping[str, Any]) -> int | None:
        """How many pictures the task shows in place of the video; None where it hands over the video."""
        return None if self.interleaved is None else self.interleaved.num_frames(doc, arguments)


_registered: dict[str, TaskAdapter] = {}


def register_task(pattern: str, adapter: TaskAdapter) -> None:
    """Read the documents of the tasks whose name fits, ``my_task`` or ``my_task_*``, with an adapter of your own.

    The last one registered wins, and yours win over ours. A task's Python file is a good place to call it from.

    Raises:
        InputError: an empty pattern.
    """
    if not pattern:
        raise InputError("pattern must be the name of a task, or of several with *, e.g. my_task_*")
    _registered.pop(pattern, None)
    _registered[pattern] = adapter


def adapter_of(task: str) -> TaskAdapter:
    """The adapter of a task by its name; the fallback reads ``question`` and ``options``."""
    from clamr_select.integrations.lmms_eval.tasks.known import FALLBACK, KNOWN

    for table in (_registered, dict(KNOWN)):
        for pattern in reversed(table):
            if fnmatch.fnmatchcase(task, pattern):
                return table[pattern]
    return FALLBACK
