"""The video loader itself; imported by ``register()``, when vLLM is there."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from vllm import envs
from vllm.multimodal.video import VideoBackend
from vllm.multimodal.video_decoders import VideoSourceMetadata, check_frame_pixel_limit

from clamr_select.errors import InputError
from clamr_select.handoff.consumers import UNKNOWN
from clamr_select.handoff.pairing import Emission, Pair, plan_emission
from clamr_select.integrations.plan import planned_selection
from clamr_select.integrations.serving import select_frames
from clamr_select.integrations.vllm import VIDEO_BACKEND
from clamr_select.selection import Selection
from clamr_select.video import open_video
from clamr_select.video.scaling import scaled_size

SELECT_OPTIONS = frozenset(
    {"effort", "candidate_fps", "max_candidates", "ocr", "title", "description", "policy", "similarity", "modalities"}
)
"""What a request may set of ``FrameSelector.select``: nothing that names a file of the server."""


class ClamrVideoBackend(VideoBackend):
    """Loads the frames of a video that answer the question of the request (vllm/multimodal/video.py)."""

    @classmethod
    def load_bytes(
        cls,
        data: bytes,
        num_frames: int = -1,
        *,
        question: str | None = None,
        plan: Mapping[str, Any] | None = None,
        pair: Pair | None = None,
        max_side: int | None = None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Select by ``question``, or load what ``plan`` says.

        Args:
            data: a video file.
            num_frames: moments to select; vLLM itself sends 32 where nobody says. With ``pair="repeat"``, the
                default, twice as many frames come out.
            question: what the frames shall answer.
            plan: ``frame_indices`` and, if they are to be checked, ``timestamps_seconds`` of a selection made
                before from the same file; nothing is selected.
            pair, max_side: as :meth:`Selection.to_transformers`.
            **options: ``SELECT_OPTIONS``, of :meth:`FrameSelector.select`.

        Returns:
            (num_frames, height, width, 3) uint8 RGB, and the metadata that vLLM's own loaders give: index / fps
            is each frame's second, ``do_sample_frames`` is False.

        Raises:
            InputError: neither a question nor a plan, or both; an argument that does not exist or is out of
                range; the frames exceed ``VLLM_MAX_MEDIA_REQUEST_DECODE_BYTES``.
            ValueError: a frame exceeds ``VLLM_MAX_IMAGE_PIXELS``.
            VideoError: the file is not a video, or changed since the plan was made.
        """
        _check_arguments(question, plan, num_frames=num_frames, options=options)
        # private, so that nothing lies beside the file that could be taken for its subtitles
        with tempfile.TemporaryDirectory(prefix="clamr-select-") as folder:
            video = Path(folder, "video")
            video.write_bytes(data)
            with open_video(video) as reader:
                check_frame_pixel_limit(reader.info.width, reader.info.height)
                selection = planned_selection(reader, plan) if plan is not None else None
            if selection is None:
                content = hashlib.sha256(data).hexdigest()
                selection = select_frames(video, str(question), num_frames=num_frames, content=content, **options)
            emission = plan_emission(selection, UNKNOWN, pair=pair)
            _check_budget(emission, selection, max_side=max_side)
            frames = emission.decode(max_side=max_side)
        line = emission.timeline
        metadata = cls.create_hf_metadata(
            source=VideoSourceMetadata(line.total_num_frames, line.fps, line.duration_seconds),
            valid_frame_indices=list(line.frames_indices),
            video_backend=VIDEO_BACKEND,
        )
        # vLLM's flag means "all frames are here, sample them", which is so where a short video is kept whole
        return frames, {**metadata, "do_sample_frames": False}


def _check_arguments(
    question: str | None, plan: Mapping[str, Any] | None, *, num_frames: int, options: Mapping[str, Any]
) -> None:
    unknown = sorted(set(options) - SELECT_OPTIONS)
    if unknown:
        allowed = sorted(SELECT_OPTIONS | {"num_frames", "question", "plan", "pair", "max_side"})
        raise InputError(
            f"{VIDEO_BACKEND} has no argument {', '.join(unknown)}; allowed in media_io_kwargs.video: "
            f"{', '.join(allowed)}"
        )
    if (question is None) == (plan is None):
        got = "neither" if question is None else "both"
        raise InputError(
            f"{VIDEO_BACKEND} selects frames by a question or loads a plan, got {got}: send one of them with the "
            "request as media_io_kwargs.video.question or .plan (the server needs --trust-request-mm-kwargs)"
        )
    if plan is not None and options:
        raise InputError(f"a plan is loaded as it is: leave out {', '.join(sorted(options))}")
    if plan is None and (not isinstance(question, str) or num_frames < 1):
        raise InputError(f"question must be a text and num_frames at least 1, got {question!r} and {num_frames}")


def _check_budget(emission: Emission, selection: Selection, *, max_side: int | None) -> None:
    """Before decoding; vLLM charges the request's budget itself, after."""
    limit = envs.VLLM_MAX_MEDIA_REQUEST_DECODE_BYTES
    facts = selection.video_facts
    width, height = scaled_size(facts.width, facts.height, max_side=max_side)
    needed = len(emission.frame_indices) * width * height * 3
    if 0 < limit < needed:
        raise InputError(
            f"{len(emission.frame_indices)} frames of {width}x{height} take {needed} bytes, over "
            f"VLLM_MAX_MEDIA_REQUEST_DECODE_BYTES={limit}; ask for a smaller num_frames or max_side"
        )
