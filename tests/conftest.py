"""Fixtures that several rooms share: a small video and a plausible selection from it, made by code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clamr_select.selection import CandidateScores, Selection, SelectionWarning, VideoFacts

SCENE_COLORS = ((200, 40, 40), (40, 160, 60), (50, 80, 200), (210, 180, 40), (140, 60, 160), (60, 170, 180))
SCENE_SECONDS = 5
FPS = 10
SPOKEN = {
    10: "so what happens when we double the mass of the cart and pull with the same force",
    12: "the mass resists, and that is the whole content of the second law",
    14: "let me write that down",
    19: "force is mass times acceleration",
}


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures index is kept in a folder of this run."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLAMR_SELECT_CACHE", str(tmp_path_factory.mktemp("cache") / "shared"))
        yield


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what another kept."""
    monkeypatch.setenv("CLAMR_SELECT_CACHE", str(tmp_path / "cache-of-the-test"))


def scene_color(seconds: float) -> tuple[int, int, int]:
    """RGB of the made video at a time, up to the error of H.264."""
    return SCENE_COLORS[int(seconds / SCENE_SECONDS)]


@pytest.fixture(scope="session")
def color_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s of H.264, 320 x 180 at 10 fps: six scenes of one colour (``scene_color``), a white bar sliding."""
    import av

    path = tmp_path_factory.mktemp("color_video") / "lecture.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for index in range(len(SCENE_COLORS) * SCENE_SECONDS * FPS):
            image = np.empty((180, 320, 3), dtype=np.uint8)
            image[:] = scene_color(index / FPS)
            left = index * 300 // (len(SCENE_COLORS) * SCENE_SECONDS * FPS)
            image[130:150, left : left + 20] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def color_selection(color_video: Path) -> Selection:
    """Eight frames of ``color_video`` out of thirty candidates, one a second, with scores and words."""
    seconds = [float(s) for s in range(30)]
    video = [0.25 + 0.10 * math.sin(s / 3.0) for s in seconds]
    asr = [None if s < 4 else 0.20 + 0.45 * math.exp(-(((s - 12) / 2.5) ** 2)) for s in seconds]
    ocr = [0.15 + 0.50 * math.exp(-(((s - 21) / 2.0) ** 2)) if 15 <= s < 26 else None for s in seconds]
    by_modality = {"video": tuple(video), "ocr": tuple(ocr), "asr": tuple(asr)}
    total = [max(score for score in scores if score is not None) for scores in zip(video, ocr, asr, strict=True)]
    taken = (4, 10, 12, 14, 19, 21, 23, 27)
    winner = {"video": video, "ocr": ocr, "asr": asr}
    words = {"asr": SPOKEN, "ocr": {19: "F = m", 21: "F = m · a", 23: "F = m · a  (Newton, 1687)"}}
    return Selection(
        video=str(color_video),
        question="Which formula does the speaker write on the board after talking about the mass?",
        frame_indices=tuple(FPS * s for s in taken),
        timestamps_seconds=tuple(seconds[s] for s in taken),
        scores=tuple(total[s] for s in taken),
        modality=tuple(next(name for name, scores in winner.items() if scores[s] == total[s]) for s in taken),
        scores_by_modality={name: tuple(scores[s] for s in taken) for name, scores in by_modality.items()},
        text=tuple({name: said[s] for name, said in words.items() if s in said} for s in taken),
        method={"policy": "topk_gap", "model": "clamr-nano", "similarity": "token_max"},
        video_facts=VideoFacts(320, 180, 300, 0.0, 30.0, 10.0),
        warnings=(SelectionWarning("no_description", "the container carries no title, comment or description"),),
        timings_seconds={"decode": 0.4, "encode": 1.25},
        candidates=CandidateScores(tuple(FPS * int(s) for s in seconds), tuple(seconds), tuple(total), by_modality),
    )
