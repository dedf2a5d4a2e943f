"""Named sets of options. What is given explicitly overrides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from clamr_select.errors import unknown_name

_PATCH_PIXELS = 28 * 28
_MIN_PIXELS = 128 * _PATCH_PIXELS
_TOTAL_PIXELS = 65_536 * _PATCH_PIXELS * 0.8


@dataclass(frozen=True)
class Preset:
    """What one name stands for."""

    index: Mapping[str, Any] = field(default_factory=dict)
    """Of :class:`~clamr_select.indexing.options.IndexOptions`."""
    select: Mapping[str, Any] = field(default_factory=dict)
    """Of ``IndexedVideo.select``."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What an answering model was given with the frames; recorded with the selection."""


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # The paper's use on long video (arXiv 2506.06144, Table 4; qwen_videomme_baseline.ipynb of the released
        # code), as far as it is known: the code that selected the frames was not released.
        "as_published": Preset(
            index={
                "candidate_fps": 2.0,
                "max_candidates": 768,
                "window_candidates": 1,
                "pair": "repeat",
                "audio": "off",
                "ocr": "off",
                "title": "",
                "description": "",
                "chapters": "off",
            },
            select={
                "num_frames": 100,
                "policy": "topk",
                "similarity": "token_max",
                "modalities": ("video", "asr"),
            },
            answer={
                # frames were handed over as a list of files, for which the reader takes two a second
                "assumed_fps": 2.0,
                "min_pixels": _MIN_PIXELS,
                "max_pixels": max(min(768 * _PATCH_PIXELS, _TOTAL_PIXELS / 768 * 2), int(_MIN_PIXELS * 1.05)),
                # {subtitles}: those of the selected frames, joined without a space
                "prompt": "This video's subtitles are listed below:\n{subtitles}\n"
                "Select the best answer to the following multiple-choice question based on the video. "
                "Respond with only the letter (A, B, C, or D) of the correct option.\n"
                "{question}\n{options}\nThe best answer is:",
            },
        ),
    }
)


def preset(name: str | None) -> Preset:
    """The preset of a name; None is the one that sets nothing.

    Raises:
        UnknownNameError: no such preset.
    """
    if name is None:
        return Preset()
    if name not in tuple(PRESETS):  # a tuple, since a list has no hash
        raise unknown_name("preset", name, PRESETS)
    return PRESETS[name]


def record(name: str, *, given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``Selection.method`` says of a preset: its name, what was given otherwise, and its answering side.

    Args:
        given: options, lists among them as tuples.
    """
    chosen = preset(name)
    preset_options = {**chosen.index, **chosen.select}
    overridden = sorted(key for key in preset_options if key in given and given[key] != preset_options[key])
    return {"preset": name, "preset_overridden": overridden, "preset_answer": dict(chosen.answer)}
