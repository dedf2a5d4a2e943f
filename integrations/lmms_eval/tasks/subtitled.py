"""Tasks whose prompt holds the subtitles spoken during the frames the model gets, whichever those are.

lmms-eval's own ``*_w_subtitle`` tasks take the lines at evenly spaced times, whatever frames the model sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError

MARK = "[subtitles of the frames: run this task with --model clamr]"
NO_SUBTITLES = "No subtitles available"
INTRODUCTION = "This video's subtitles are listed below:"
VARIANTS: Mapping[str, str] = {
    "videomme": "videomme/videomme.yaml",
    "videomme_long": "videomme/videomme_long.yaml",
    "longvideobench_val_v": "longvideobench/longvideobench_val_v.yaml",
    "cgbench": "cgbench/cgbench.yaml",
}
"""Tasks of lmms-eval that have such a variant, and their files."""
SUFFIX = "_clamr_sub"


def write_tasks(folder: Path) -> Path:
    """A folder for ``--include_path``: one task file a variant, each including that of the installed lmms-eval.

    Raises:
        MissingDependencyError: lmms-eval is not installed.
    """
    installed = _tasks_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in VARIANTS.items():
        if not (installed / file).is_file():
            raise InputError(f"this lmms-eval has no task file {file}; 0.7.3 has")
        asks = f"!function {__name__}.{_prompt_of(name).__name__}"
        text = f"include: {installed / file}\ntask: {name}{SUFFIX}\ndoc_to_text: {asks}\n"
        (folder / f"{name}{SUFFIX}.yaml").write_text(text, encoding="utf-8")
    return folder


def videomme_prompt(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:
    from lmms_eval.tasks.videomme.utils import videomme_doc_to_text

    return _below_subtitles(videomme_doc_to_text(doc, dict(lmms_eval_specific_kwargs or {})))


def longvideobench_prompt(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:
    from lmms_eval.tasks.longvideobench.utils import longvideobench_doc_to_text

    return _below_subtitles(longvideobench_doc_to_text(doc, dict(lmms_eval_specific_kwargs or {})))


def cgbench_prompt(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:
    from lmms_eval.tasks.cgbench.utils import cgbench_doc_to_text

    return _below_subtitles(cgbench_doc_to_text(doc, dict(lmms_eval_specific_kwargs or {})))


def filled(text: str, *, subtitles: str | None, times_seconds: Sequence[float]) -> str:
    """The prompt with the words in place of :data:`MARK`; a prompt without it as it is."""
    return text.replace(MARK, spoken_at(subtitles, times_seconds=times_seconds)) if MARK in text else text


def spoken_at(subtitles: str | None, *, times_seconds: Sequence[float]) -> str:
    """The lines that are spoken at any of the times, each once, one below the other."""
    from clamr_select.context.subtitles import load_subtitles

    if subtitles is None:
        return NO_SUBTITLES
    lines = load_subtitles(subtitles).lines
    spoken = [line.text for line in lines if any(line.start_seconds <= t < line.end_seconds for t in times_seconds)]
    return "\n".join(dict.fromkeys(spoken)) or NO_SUBTITLES


def _below_subtitles(prompt: str) -> str:
    return f"{INTRODUCTION}\n{MARK}\n{prompt}"


def _prompt_of(name: str) -> Any:
    prompts = {"videomme": videomme_prompt, "longvideobench": longvideobench_prompt, "cgbench": cgbench_prompt}
    return next(prompt for start, prompt in prompts.items() if name.startswith(start))


def _tasks_folder() -> Path:
    from importlib.util import find_spec

    from clamr_select.errors import missing_dependency

    found = find_spec("lmms_eval")
    if found is None or found.origin is None:
        raise missing_dependency("lmms-eval", extra="lmms-eval", purpose="clamr-select lmms-tasks")
    return Path(found.origin).parent / "tasks"
