"""The selected frames with their words and heat maps, and uniform sampling's beside them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from clamr_select.demo.pictures import Pictures
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.token_matches import FrameMatches, WordMatch, frame_matches
from clamr_select.metrics.evidence import hit_at_k
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

FRAME_SIDE = 640
THUMB_SIDE = 240
MAX_CHARACTERS = 280
"""Of one line of words on the page."""
Truth = Sequence[tuple[float, float]]


def frames_view(
    indexed: IndexedVideo, ours: Selection, uniform: Selection, *, pictures: Pictures, truth: Truth
) -> dict[str, Any]:
    """What the page shows of a selection, and of uniform sampling with the same number of frames.

    Args:
        truth: (start, end) seconds of the answer, where an example knows it; else empty.

    Raises:
        VideoError: the video is gone or changed.
    """
    position = {int(index): place for place, index in enumerate(indexed.frame_indices)}
    candidates = [position[index] for index in ours.frame_indices]
    matches = matches_of(indexed, ours.question, candidates)
    weights = word_weights(matches or [])
    urls = pictures.data_urls(_times(ours), max_side=FRAME_SIDE)
    return {
        "start": ours.video_facts.start_seconds,
        "words": list(matches[0].question_words) if matches else [],
        "best": [round(_best(matches, word), 3) for word in range(len(matches[0].question_words))] if matches else [],
        "frames": [
            {
                **_frame(ours, place, truth),
                "score": round(ours.scores[place], 3),
                "modality": ours.modality[place],
                "image": urls[ours.frame_indices[place]],
                "heat": None if matches is None else _heat(matches[place], matches),
                "text": _text(indexed, candidates[place], None if matches is None else matches[place], weights),
            }
            for place in range(len(ours))
        ],
        "uniform": _strip(uniform, pictures, truth),
        "hits": _hits(ours, uniform, truth),
    }


def matches_of(indexed: IndexedVideo, question: str, candidates: Sequence[int]) -> list[FrameMatches] | None:
    """Which patch and word met which word; None where the labels of ``compat="reference"`` cannot say."""
    if indexed.encoder.compat == "reference":
        return None
    return frame_matches(indexed, question, candidates)


def _strip(uniform: Selection, pictures: Pictures, truth: Truth) -> list[dict[str, Any]]:
    urls = pictures.data_urls(_times(uniform), max_side=THUMB_SIDE)
    return [
        {**_frame(uniform, place, truth), "image": urls[index]} for place, index in enumerate(uniform.frame_indices)
    ]


def _frame(selection: Selection, place: int, truth: Truth) -> dict[str, Any]:
    seconds = selection.timestamps_seconds[place]
    return {
        "time": seconds,
        "label": format_time(seconds),
        "inside": hit_at_k([seconds], evidence_seconds=truth) if truth else None,
    }


def _times(selection: Selection) -> dict[int, float]:
    return dict(zip(selection.frame_indices, selection.timestamps_seconds, strict=True))


def _hits(ours: Selection, uniform: Selection, truth: Truth) -> dict[str, int] | None:
    if not truth:
        return None
    inside = {
        name: sum(hit_at_k([seconds], evidence_seconds=truth) for seconds in selection.timestamps_seconds)
        for name, selection in (("ours", ours), ("uniform", uniform))
    }
    return {**inside, "of": len(ours)}


def _heat(matches: FrameMatches, all_shown: Sequence[FrameMatches]) -> dict[str, Any] | None:
    """Patches as bytes: 0 at a word's median over all shown patches, 255 where it is matched best, by picture or by
    text. So a word that the text answers leaves the pictures cool. None where the index does not hold the patches."""
    if matches.patches is None:
        return None
    levels = []
    for word in range(len(matches.question_words)):
        shown = np.concatenate([frame.patches[word].ravel() for frame in all_shown if frame.patches is not None])
        low, high = float(np.median(shown)), _best(all_shown, word)
        scaled = np.clip((matches.patches[word] - low) / max(high - low, 1e-6), 0, 1)
        levels.append(base64.b64encode((255 * scaled).round().astype(np.uint8).tobytes()).decode("ascii"))
    _, rows, columns = matches.patches.shape
    return {"rows": rows, "columns": columns, "levels": levels}


def _best(all_shown: Sequence[FrameMatches], word: int) -> float:
    """The best match of a word in any of the frames shown, as far as it is known where; 0 where it is not."""
    seen = [float(frame.patches[word].max()) for frame in all_shown if frame.patches is not None]
    read = [match.score for frame in all_shown for match in frame.words if match.question_word == word]
    return max([*seen, *read], default=0.0)


def word_weights(all_shown: Sequence[FrameMatches]) -> list[float]:
    """How much each word of the question tells these frames from the video's typical frame, 0..1; 1 is the word
    that tells most."""
    if not all_shown:
        return []
    typical = all_shown[0].typical
    lifts = [max(0.0, _best(all_shown, word) - float(typical[word])) for word in range(len(typical))]
    most = max(lifts, default=0.0)
    return [lift / most if most > 0 else 0.0 for lift in lifts]


def _text(
    indexed: IndexedVideo, candidate: int, matches: FrameMatches | None, weights: Sequence[float]
) -> list[dict[str, Any]]:
    """The lines around a frame, cut into pieces where a word matched."""
    found = () if matches is None else matches.words
    lines = []
    for modality, lines_of_candidates in indexed.words.items():
        for number, line in enumerate(lines_of_candidates[candidate]):
            here = [match for match in found if match.modality == modality and match.line == number]
            lines.append({"modality": modality, "pieces": pieces(line[:MAX_CHARACTERS], here, weights=weights)})
    return lines


def pieces(line: str, matches: Sequence[WordMatch], *, weights: Sequence[float]) -> list[dict[str, Any]]:
    """A line as consecutive pieces: ``text``, and where words matched there ``words`` (position in the question to
    cosine) and ``strength`` (0..1: cosine, times what the word tells)."""
    by_span: dict[tuple[int, int], list[WordMatch]] = {}
    for match in matches:
        by_span.setdefault((match.start, match.end), []).append(match)
    cut: list[dict[str, Any]] = []
    at = 0
    for (start, end), here in sorted(by_span.items()):
        if start >= len(line):
            break
        cut += [{"text": line[at:start]}] if start > at else []
        strength = max(max(match.score, 0.0) * weights[match.question_word] for match in here)
        words = {str(match.question_word): round(match.score, 3) for match in here}
        cut.append({"text": line[start:end], "words": words, "strength": round(strength, 3)})
        at = end
    return [*cut, {"text": line[at:]}] if at < len(line) else cut
