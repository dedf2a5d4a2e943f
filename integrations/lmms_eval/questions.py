"""The questions of tasks of lmms-eval without a model: for selecting before a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError, missing_dependency
from clamr_select.integrations.lmms_eval.selection_files import keys_of
from clamr_select.integrations.lmms_eval.shown import check_selectable, shown_by, videos_among
from clamr_select.integrations.lmms_eval.tasks.registry import Doc, TaskQuestion, adapter_of


@dataclass(frozen=True)
class TaskDocument:
    """One document of one task, and the videos it asks about."""

    task: str
    doc_id: int
    doc: Doc
    question: TaskQuestion
    videos: tuple[str, ...]
    num_shown: int | None = None
    """Pictures that the task shows in place of the video; None where it hands over the video."""

    @property
    def ids(self) -> tuple[str, ...]:
        return keys_of(self.doc)


def task_documents(
    tasks: Sequence[str], *, include_path: str | None = None, limit: int | None = None
) -> Iterator[TaskDocument]:
    """Every document of the tasks, groups unfolded, in the order in which lmms-eval asks them.

    Raises:
        MissingDependencyError: lmms-eval is not installed.
        InputError: no such task, a document without a question, or a video whose frames cannot be selected.
    """
    try:
        from lmms_eval.tasks import TaskManager, get_task_dict
    except ImportError as error:
        raise missing_dependency("lmms-eval", extra="lmms-eval", purpose="selecting for its tasks") from error
    manager = TaskManager(include_path=include_path, model_name="default")
    unknown = [name for name in tasks if name not in manager.all_tasks]
    if unknown:
        raise InputError(f"lmms-eval has no task {', '.join(unknown)}; `lmms-eval tasks list` lists them")
    for name, task in _leaves(get_task_dict(list(tasks), manager, "chat")):
        adapter = adapter_of(name)
        arguments = task.config.dataset_kwargs or {}
        docs = task.eval_docs
        for doc_id in range(len(docs) if limit is None else min(limit, len(docs))):
            doc = docs[doc_id]
            videos = adapter.videos(doc, arguments) if adapter.videos is not None else _videos(task, doc, name=name)
            question, shown = adapter.question(doc, arguments), adapter.num_shown(doc, arguments)
            yield TaskDocument(name, doc_id, doc, question, tuple(videos), shown)


def _videos(task: Any, doc: Doc, *, name: str) -> list[str]:
    """As a run reads them, from visuals, or from messages where a task has nothing else."""
    is_simple = task.config.doc_to_visual is not None or task.config.doc_to_messages is None
    shown = shown_by(task.doc_to_visual(doc) if is_simple else task.doc_to_messages(doc), is_simple=is_simple)
    check_selectable(shown, task=name)
    return videos_among(shown)


def _leaves(tasks: Any) -> Iterator[tuple[str, Any]]:
    for name, task in tasks.items():
        if isinstance(task, dict):
            yield from _leaves(task)
        else:
            yield str(name), task


def task_file(task: str, *, include_path: str | None = None) -> tuple[Path, str]:
    """(the task's file, the split it is tested on)."""
    from lmms_eval.tasks import TaskManager, get_task_dict

    manager = TaskManager(include_path=include_path, model_name="default")
    loaded = get_task_dict([task], manager, "simple")[task]
    return Path(manager.task_index[task]["yaml_path"]), str(loaded.config.test_split)
