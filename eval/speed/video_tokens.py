"""Made token vectors of one video and one question, of a stated size."""

from __future__ import annotations

import torch

from clamr_select.scoring.tokens import TokenEmbeddings

MODALITIES = ("video", "ocr", "asr", "description", "audio")


def video_tokens(
    *,
    num_frames: int,
    num_visual_tokens: int = 80,
    max_text_tokens: int = 128,
    absent_share: float = 0.3,
    dim: int = 128,
    ragged: bool = True,
    seed: int = 0,
) -> TokenEmbeddings:
    """One video: visual tokens, then four texts a frame. Unit vectors around a few common directions, as tokens of one
    video are alike; drawn evenly over the sphere, all scores would be one.

    Args:
        ragged: texts have 1 to ``max_text_tokens`` tokens and ``absent_share`` of them none; else all have the most.
    """
    generator = torch.Generator().manual_seed(seed)
    num_texts = len(MODALITIES) - 1
    lengths = torch.full((num_frames, len(MODALITIES)), max_text_tokens)
    if ragged:
        lengths[:, 1:] = torch.randint(1, max_text_tokens + 1, (num_frames, num_texts), generator=generator)
        absent = torch.rand((num_frames, num_texts), generator=generator) < absent_share
        lengths[:, 1:] = lengths[:, 1:].masked_fill(absent, 0)
    lengths[:, 0] = num_visual_tokens
    flat = lengths.flatten()
    frames = torch.arange(num_frames).repeat_interleave(len(MODALITIES)).repeat_interleave(flat)
    num_tokens = len(frames)
    centers = torch.randn((64, dim), generator=generator)
    of_token = torch.randint(0, len(centers), (num_tokens,), generator=generator)
    vectors = centers[of_token] + torch.randn((num_tokens, dim), generator=generator)
    return TokenEmbeddings(
        vectors=torch.nn.functional.normalize(vectors, dim=1),
        modality_ids=(torch.arange(len(MODALITIES)) + 1).repeat(num_frames).repeat_interleave(flat),
        first_candidates=frames,
        last_candidates=frames,
        num_candidates=num_frames,
        modalities=MODALITIES,
    )


def question_tokens(tokens: TokenEmbeddings, *, num_query_tokens: int = 32, seed: int = 1) -> torch.Tensor:
    """(num_query_tokens, dim) float32 unit vectors, near tokens of the video."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(0, len(tokens), (num_query_tokens,), generator=generator)
    near = tokens.vectors[chosen].float() + 0.1 * torch.randn(
        (num_query_tokens, tokens.vectors.shape[1]), generator=generator
    )
    return torch.nn.functional.normalize(near, dim=1)
