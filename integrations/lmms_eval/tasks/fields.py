"""Reading documents: which fields hold what, and where a data set keeps its files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.tasks.registry import Doc, TaskQuestion

QUESTION_FIELDS = ("question", "Question", "input", "query", "prompt")
OPTION_FIELDS = ("options", "option", "Options", "choices", "candidates")
_NUMBERED = re.compile(r"(?:option|a)(\d+)|answer_choice_(\d+)")
NO_OPTION = "N/A"
_OPTION_LINE = re.compile(r"\s*\(?[A-Z][.):]\s*\S")
_ANNOUNCES_OPTIONS = re.compile(r"(?i)(options|choices|answer choices)\s*:?")

Files = Callable[[Doc, Mapping[str, Any]], Path | None]


def stem_of(doc: Doc, *names: str) -> str:
    """The question, from the first of the fields that the document has.

    Raises:
        InputError: it has none of them, or an empty one.
    """
    for name in names or QUESTION_FIELDS:
        if isinstance(doc.get(name), str) and doc[name].strip():
            return str(doc[name]).strip()
    raise InputError(
        f"no question in a document with the fields {', '.join(sorted(doc))}: looked for "
        f"{', '.join(names or QUESTION_FIELDS)}. "
        "Register the task: clamr_select.integrations.lmms_eval.register_task"
    )


def options_of(doc: Doc, *names: str) -> tuple[str, ...]:
    """The options, from a list or a mapping, or from ``option0`` … ``a0`` …; none where there are none."""
    for name in names or OPTION_FIELDS:
        value = doc.get(name)
        if isinstance(value, Mapping):
            return tuple(f"{letter}. {text}" for letter, text in value.items())
        if isinstance(value, Sequence) and not isinstance(value, str) and value:
            return tuple(str(one) for one in value)
    numbered = {int(found[1] or found[2]): doc[name] for name in doc if (found := _NUMBERED.fullmatch(name))}
    return tuple(str(numbered[number]) for number in sorted(numbered) if numbered[number] not in (None, NO_OPTION))


def split_prompt(text: str) -> tuple[str, tuple[str, ...]]:
    """(question, options) of a prompt that holds both: the options are its lines ``A. …``, ``(A) …`` or ``A) …``.

    What follows the last option, and a line that only announces them, belong to neither.
    """
    lines = text.strip().splitlines()
    options = tuple(line.strip() for line in lines if _OPTION_LINE.match(line))
    if not options:
        return text.strip(), ()
    first = next(number for number, line in enumerate(lines) if _OPTION_LINE.match(line))
    stem = [line for line in lines[:first] if not _ANNOUNCES_OPTIONS.fullmatch(line.strip())]
    return "\n".join(stem).strip() or text.strip(), options


def duration_group(seconds: float) -> str:
    """The group of a length, as Video-MME parts them."""
    return "short" if seconds < 180 else "medium" if seconds < 1200 else "long"


def hf_home() -> Path:
    return Path(os.path.expanduser(os.environ.get("HF_HOME", "~/.cache/huggingface")))


def data_folder(dataset_kwargs: Mapping[str, Any], *, usual: str) -> Path:
    """Where lmms-eval unpacked the data set: ``cache_dir`` of the task, below ``HF_HOME``.

    Args:
        usual: that of lmms-eval's own task; it takes ``cache_dir`` out of the arguments when it loads videos.
    """
    return hf_home() / os.path.expanduser(str(dataset_kwargs.get("cache_dir", usual)))


def existing(path: Path) -> str | None:
    return str(path) if path.is_file() else None


def strata_of(doc: Doc, **names: str) -> dict[str, str]:
    """Stratum to value, from fields that the document may have."""
    return {stratum: str(doc[name]) for stratum, name in names.items() if doc.get(name) is not None}


def question_of(doc: Doc, _: Mapping[str, Any]) -> TaskQuestion:
    """The fallback: whatever is called question and options."""
    return TaskQuestion(
        stem=stem_of(doc),
        options=options_of(doc),
        strata=strata_of(doc, duration="duration", task_type="task_type", evidence="num_evidence"),
    )
