"""Select for every released question whose video is there, and compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

from clamr_select import FrameSelector
from clamr_select.errors import InputError
from clamr_select.eval.agreement.overlap import Agreement, overlap
from clamr_select.eval.agreement.released import ReleasedSelection

PRESET = "as_published"
SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")


def find_videos(directory: Path, video_ids: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """Video id to its file ``ID.mp4`` (or mkv, webm, mov, avi), and the ids that have none.

    Raises:
        InputError: no such directory, or not one of the videos is in it.
    """
    if not directory.is_dir():
        raise InputError(f"--videos must be a directory, got {directory}")
    ids = sorted(set(video_ids))
    candidates = {video_id: [directory / f"{video_id}{suffix}" for suffix in SUFFIXES] for video_id in ids}
    found = {video_id: next((p for p in paths if p.is_file()), None) for video_id, paths in candidates.items()}
    videos = {video_id: path for video_id, path in found.items() if path is not None}
    if not videos:
        raise InputError(f"{directory} holds none of the {len(ids)} videos; expected files such as {ids[0]}.mp4")
    return videos, [video_id for video_id, path in found.items() if path is None]


def check_questions(released: Iterable[ReleasedSelection], questions: Mapping[tuple[str, str], str]) -> None:
    """Raises InputError naming the first selection whose question is not known."""
    for selection in released:
        if (selection.video_id, selection.question_id) not in questions:
            raise InputError(f"no question {selection.question_id!r} of video {selection.video_id!r} in --questions")


def agreements(
    selector: FrameSelector,
    released: list[ReleasedSelection],
    *,
    questions: Mapping[tuple[str, str], str],
    videos: Mapping[str, Path],
    pool: int,
) -> list[Agreement]:
    """One for each question of a video that is there; each video is indexed once, as published."""
    found = []
    present = sorted((s for s in released if s.video_id in videos), key=lambda s: s.video_id)
    for video_id, group in groupby(present, key=lambda s: s.video_id):
        wanted = list(group)
        asked = [questions[video_id, one.question_id] for one in wanted]
        # as many candidates as the paper had; frames as many as were released, which may differ by question
        num_frames = max(len(one.positions) for one in wanted)
        selections = selector.select(videos[video_id], asked, preset=PRESET, max_candidates=pool, num_frames=num_frames)
        for one, selection in zip(wanted, selections, strict=True):
            share, chance = overlap(selection, positions=one.positions, pool=pool)
            found.append(Agreement(video_id, one.question_id, share, chance, len(one.positions), len(selection)))
    return found


def summary(found: list[Agreement], *, missing: list[str]) -> dict[str, Any]:
    """Means over questions, and what was left out."""
    return {
        "num_questions": len(found),
        "num_videos": len({one.video_id for one in found}),
        "mean_overlap": fmean(one.overlap for one in found),
        "mean_by_chance": fmean(one.by_chance for one in found),
        "missing_videos": missing,
    }
