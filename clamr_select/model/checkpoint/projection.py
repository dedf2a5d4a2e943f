"""The projection from hidden states to token vectors, whose own weight most adapters do not hold.

The released training draws the projection at random, wraps it in LoRA and saves the LoRA pair alone: what was drawn
is in no file. It is not lost, though: transformers 4.51 draws it right after seeding, so that the same seed gives the
same numbers. The order here is: a whole tensor in the adapter, a tensor in the base (``vidore/*-base`` repositories
exist for that), and only then the draw, which is said in a warning.
"""

from __future__ import annotations

import torch

SEED = 42
STD = 0.02
"""transformers' default seed of training, and ``initializer_range`` of the backbones' configs."""


def drawn_weight(hidden_size: int, *, embedding_dim: int = 128, seed: int = SEED) -> torch.Tensor:
    """(embedding_dim, hidden_size) float32: what ``torch.manual_seed(seed); torch.empty(…).normal_(0, 0.02)`` gives;
    the released training's is 42. The caller's random state is not touched; the bias that goes with it is zero."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.empty(embedding_dim, hidden_size, dtype=torch.float32, device="cpu")
    return weight.normal_(0, STD, generator=generator)
