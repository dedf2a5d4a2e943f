"""The one selector of a serving process: chosen by whoever runs the process, loaded on first use.

It remembers the videos it indexed last, since a conversation sends its video with every question.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.store.folder import ENVIRONMENT_VARIABLE

if TYPE_CHECKING:
    from clamr_select.indexing.coarse_to_fine.effort import Effort
    from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
    from clamr_select.indexing.indexed_video import IndexedVideo
    from clamr_select.selection import Selection
    from clamr_select.selector import FrameSelector

logger = logging.getLogger(__name__)

MODEL_VARIABLE = "CLAMR_SELECT_MODEL"
DEVICE_VARIABLE = "CLAMR_SELECT_DEVICE"
DEFAULT_MODEL = "clamr-nano"
DEFAULT_DEVICE = "cpu"
"""Not ``auto``: the memory of the GPU belongs to the model that is served."""
MAX_INDEXED_VIDEOS = 4
"""Kept in memory, each with its embeddings (up to 10,800 candidates)."""


class _Shared:
    """A model is not for several threads at once, and servers load media in several."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.selector: FrameSelector | None = None
        self.indexed: OrderedDict[str, IndexedVideo | SkimmedVideo] = OrderedDict()


_shared = _Shared()


def use_selector(selector: FrameSelector | None) -> None:
    """Select with this selector in this process; None goes back to what the environment names.

    A request can never choose the model: names are paths and hub ids. A server takes the model from the
    environment variables ``CLAMR_SELECT_MODEL`` (default ``clamr-nano``) and ``CLAMR_SELECT_DEVICE`` (``cpu``).
    """
    with _shared.lock:
        _shared.selector = selector
        _shared.indexed.clear()


def select_frames(
    video: str | Path,
    question: str,
    *,
    num_frames: int,
    content: str | None = None,
    effort: Effort = "full",
    **options: Any,
) -> Selection:
    """:meth:`FrameSelector.select` with the selector of this process, one call at a time.

    Args:
        content: a digest of the file where the same video comes in files of other names, each gone after its
            question; None takes the file's path, size and time of change, and the subtitles and metadata beside it.
        effort: what ``fast`` and ``balanced`` saw of a video is remembered apart from what ``full`` did, and not at
            all with ``content``: their next question decodes more of the file.

    Raises:
        As :meth:`FrameSelector.from_pretrained` and :meth:`FrameSelector.select`.
    """
    from clamr_select.indexing.asking import as_questions, check_select_options, with_tuples
    from clamr_select.indexing.coarse_to_fine.effort import check_effort
    from clamr_select.selector import INDEX_OPTIONS

    check_effort(effort)
    index_options = {name: value for name, value in options.items() if name in INDEX_OPTIONS}
    select_options = with_tuples({name: value for name, value in options.items() if name not in INDEX_OPTIONS})
    with _shared.lock:
        selector, key = _selector(), _key(Path(video), content, effort, index_options)
        indexed = _shared.indexed.get(key)
        if indexed is None:
            # before the minutes of decoding, as FrameSelector.select: a wrong request costs nothing
            check_select_options({"num_frames": num_frames, **select_options}, modalities=selector.encoder.modalities)
            selector.encoder.encode_query(as_questions(question))
            indexed = _index(selector, Path(video), effort, index_options)
        if effort == "full" or content is None:
            _remember(key, indexed)
        selection = indexed.select(question, num_frames=num_frames, **select_options)
    return replace(selection, video=str(video))


def _remember(key: str, indexed: IndexedVideo | SkimmedVideo) -> None:
    """As the one used last; of too many, the one used first goes."""
    _shared.indexed[key] = indexed
    _shared.indexed.move_to_end(key)
    if len(_shared.indexed) > MAX_INDEXED_VIDEOS:
        _shared.indexed.popitem(last=False)


def _key(video: Path, content: str | None, effort: Effort, options: dict[str, Any]) -> str:
    if content is None and video.is_file():
        from clamr_select.indexing.index_key import files_beside
        from clamr_select.indexing.options import IndexOptions

        found, beside = video.stat(), files_beside(video, IndexOptions(**options))
        content = f"{video.resolve()} {found.st_size} {found.st_mtime_ns} {beside}"
    return f"{content} {effort} {sorted((name, str(value)) for name, value in options.items())}"


def _index(
    selector: FrameSelector, video: Path, effort: Effort, options: dict[str, Any]
) -> IndexedVideo | SkimmedVideo:
    # what users send to a server stays in memory, unless whoever runs it names a folder
    how = {"cache_dir": os.environ.get(ENVIRONMENT_VARIABLE), **options}
    return selector.index(video, **how) if effort == "full" else selector.skim(video, effort=effort, **how)


def _selector() -> FrameSelector:
    if _shared.selector is None:
        _shared.selector = _selector_of_environment()
    return _shared.selector


def _selector_of_environment() -> FrameSelector:
    from clamr_select.selector import FrameSelector

    model = os.environ.get(MODEL_VARIABLE, DEFAULT_MODEL)
    device = os.environ.get(DEVICE_VARIABLE, DEFAULT_DEVICE)
    logger.info("frames are selected with %s on %s", model, device)
    return FrameSelector.from_pretrained(model, device=device)
