"""What a search of the library found, as the page draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clamr_select.demo.library import Library
from clamr_select.demo.messages import sentence
from clamr_select.demo.views.conversation import duration_text
from clamr_select.demo.views.frames import THUMB_SIDE
from clamr_select.errors import VideoError
from clamr_select.retrieval import Hit, SearchResult
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

MAX_CHARACTERS = 160
"""Of a name, or of the words of a moment."""
NO_MOMENTS = "Its frames are no longer in the cache folder, so the moments are not known."
NOT_SHOWN = "Its file is not in a folder whose videos are shown here (--media-dir)."
TOLD_BY_ROW = "moments_missing"


@dataclass(frozen=True)
class Found:
    """The last search of one visitor."""

    result: SearchResult | None = None
    question: str = ""
    error: str = ""
    chosen: int | None = None
    """Place of the video whose moments are shown."""
    images: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """(Place of a video, place of a moment in it) to a ``data:`` address."""
    unreadable: Mapping[int, str] = field(default_factory=dict)
    """Place of a video to why its pictures are not to be had."""


def library_view(found: Found, *, library: Library) -> dict[str, Any]:
    """Best video first."""
    result = found.result
    return {
        "question": found.question,
        "error": found.error,
        "isSearching": result is None and not found.error,
        "note": "" if result is None else _note(result),
        "warnings": [] if result is None else [w.message for w in result.warnings if w.code != TOLD_BY_ROW],
        "chosen": found.chosen,
        "rows": [] if result is None else [_row(found, place, hit, library) for place, hit in enumerate(result.hits)],
    }


def moment_pictures(
    hit: Hit, places: Sequence[int], *, library: Library, max_side: int = THUMB_SIDE
) -> tuple[dict[int, str], str]:
    """Pictures of some moments of a video by their places, and why there are none where there are none."""
    path = library.file(hit.video)
    if path is None or hit.moments is None:
        return {}, ""
    wanted = {hit.moments.frame_indices[place]: hit.moments.timestamps_seconds[place] for place in places}
    try:
        urls = library.pictures(path).data_urls(wanted, max_side=max_side)
    except VideoError as error:
        return {}, sentence(error)
    return {place: urls[hit.moments.frame_indices[place]] for place in places}, ""


def _note(result: SearchResult) -> str:
    seconds = duration_text(sum(result.timings_seconds.values()))
    shown = (
        "No video fits." if not result.hits else f"The best {len(result)} of {result.num_videos} videos, in {seconds}."
    )
    if len(result) == 1:
        shown = f"One of {result.num_videos} videos, in {seconds}."
    return f"{shown} Compared by {result.similarity}, {result.mode.replace('_', ' ')}."


def _row(found: Found, place: int, hit: Hit, library: Library) -> dict[str, Any]:
    can_ask = library.file(hit.video) is not None
    best = hit.best_moment
    others = [(name, score) for name, score in hit.scores_by_modality.items() if name != hit.modality]
    told = [found.unreadable.get(place, ""), NO_MOMENTS if hit.moments is None else "", "" if can_ask else NOT_SHOWN]
    return {
        "name": _cut(hit.video.name),
        "duration": None if hit.video.duration_seconds is None else format_time(hit.video.duration_seconds, decimals=0),
        "score": round(hit.score, 3),
        "modality": hit.modality,
        "others": [{"modality": name, "score": round(score, 3)} for name, score in others],
        "best": best,
        "moments": [] if hit.moments is None else _moments(found, place, hit.moments),
        "canAsk": can_ask,
        "told": [text for text in told if text],
    }


def _moments(found: Found, place: int, moments: Selection) -> list[dict[str, Any]]:
    return [
        {
            "label": format_time(seconds),
            "score": round(moments.scores[number], 3),
            "modality": moments.modality[number],
            "words": _cut(" / ".join(moments.text[number].get(moments.modality[number], "").split("\n"))),
            "image": found.images.get((place, number)),
        }
        for number, seconds in enumerate(moments.timestamps_seconds)
    ]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
