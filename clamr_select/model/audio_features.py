"""Sound to log-mel frames, and which candidates each sound token belongs to (Qwen2.5-Omni's audio tower)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from clamr_select.model.document import SAMPLE_RATE, DocumentAudio
from clamr_select.scoring.tokens import NO_CANDIDATE

NUM_MELS = 128
HOP_SAMPLES = 160
SECONDS_PER_TOKEN = 0.04
"""Two convolutions and one pooling halve 100 mel frames a second twice."""
_QUIET_SAMPLES = 480
"""Zeros after the sound, as upstream's padding gives it: the last mel frame reaches into them."""


def log_mel(samples: np.ndarray) -> torch.Tensor:
    """(128, num_mel_frames) float32 of (num_samples,) float32 at 16 kHz, 100 frames a second.

    Source: transformers' ``WhisperFeatureExtractor`` as ``Qwen2_5OmniProcessor`` calls it, without its padding to
    300 s.
    """
    num_frames = -(-len(samples) // HOP_SAMPLES)
    padded = np.pad(samples, (0, num_frames * HOP_SAMPLES - len(samples) + _QUIET_SAMPLES))
    features = _extractor()(
        padded, sampling_rate=SAMPLE_RATE, padding="do_not_pad", truncation=False, return_tensors="np"
    )["input_features"][0]
    return torch.from_numpy(np.ascontiguousarray(features[:, :num_frames]))


def num_audio_tokens(num_mel_frames: int) -> int:
    """Tokens that the audio tower makes of so many mel frames (its ``_get_feat_extract_output_lengths``)."""
    return max(0, ((num_mel_frames - 1) // 2 + 1 - 2) // 2 + 1)


def token_candidates(audio: DocumentAudio, *, num_tokens: int) -> np.ndarray:
    """(num_tokens, 2) int64: first and last candidate that each sound token overlaps in time, inclusive."""
    starts = np.asarray(audio.candidate_starts_seconds)
    if not len(starts):
        return np.full((num_tokens, 2), NO_CANDIDATE)
    begins = np.arange(num_tokens) * SECONDS_PER_TOKEN
    ends = begins + SECONDS_PER_TOKEN
    # half a microsecond: a token that ends where a candidate begins does not overlap it
    first = np.searchsorted(starts, begins + 5e-7, side="right") - 1
    last = np.searchsorted(starts, ends - 5e-7, side="right") - 1
    return np.stack([first, last], axis=1).clip(min=0)


def stack_features(features: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """(sounds, 128, longest) padded with zeros, and the (sounds, longest) int64 mask."""
    longest = max(feature.shape[1] for feature in features)
    lengths = torch.tensor([feature.shape[1] for feature in features])
    padded = torch.stack([torch.nn.functional.pad(f, (0, longest - f.shape[1])) for f in features])
    return padded, (torch.arange(longest) < lengths[:, None]).long()


@lru_cache(maxsize=1)
def _extractor() -> Any:
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=NUM_MELS, sampling_rate=SAMPLE_RATE, hop_length=HOP_SAMPLES)
