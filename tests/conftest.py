"""Fixtures that several rooms share: a small video and a plausible selection from it, made by code."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import MissingDependencyError
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


SAID = ((4.0, "A red boat waits at the harbor."), (14.0, "The home team scored three goals and won the game."))
"""Seconds and sentences of ``talk``."""
TALK_SECONDS, SOUND_RATE = 22, 16_000


@pytest.fixture(scope="session")
def write_talk() -> Callable[..., Path]:
    """Writes a grey video of ``TALK_SECONDS`` at 5 fps, without subtitles, with a sound track or None."""
    import av

    def write(path: Path, sound: np.ndarray | None, *, audio_offset_seconds: float = 0.0) -> Path:
        with av.open(str(path), "w") as container:
            picture = container.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            track = None if sound is None else container.add_stream("aac", rate=SOUND_RATE, layout="mono")
            for number in range(TALK_SECONDS * 5):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 5)
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
            if sound is not None and track is not None:
                whole = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
                whole.sample_rate, whole.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
                whole.pts = round(audio_offset_seconds * SOUND_RATE)
                container.mux(track.encode(whole))
                container.mux(track.encode())
        return path

    return write


@pytest.fixture(scope="session")
def omni() -> None:
    """Skips what needs the backbone that hears, where the installed transformers does not know it."""
    from clamr_select.model.backbones import backbone_for

    try:
        backbone_for("qwen2_5_omni_thinker").check()
    except MissingDependencyError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The sound of ``SAID``, read by flite."""
    from clamr_select.eval.speech.narration import narrate

    if shutil.which("flite") is None:
        pytest.skip("flite is not installed (apt-get install flite)")
    sound = np.zeros(TALK_SECONDS * SOUND_RATE, np.float32)
    for start, sentence in SAID:
        samples = narrate(sentence, voice="slt", directory=tmp_path_factory.mktemp("said")).samples
        first = round(start * SOUND_RATE)
        sound[first : first + len(samples)] = samples
    return sound


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory, spoken: np.ndarray, write_talk: Callable[..., Path]) -> Path:
    """A video in which ``SAID`` is spoken."""
    return write_talk(tmp_path_factory.mktemp("talk") / "talk.mp4", spoken)
