"""A document as a token sequence, built piece by piece, so that every token's modality and candidate are
known by construction (finding spans afterwards by re-tokenised length misplaces them)."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field

import numpy as np
import torch

from clamr_select.model.positions import text_positions, video_positions
from clamr_select.scoring.tokens import NO_CANDIDATE

NO_MODALITY = 0


@dataclass
class Sequence:
    """Token ids with their labels, growing from left to right."""

    input_ids: list[np.ndarray] = field(default_factory=list)
    position_ids: list[np.ndarray] = field(default_factory=list)
    modality_ids: list[np.ndarray] = field(default_factory=list)
    first_candidates: list[np.ndarray] = field(default_factory=list)
    last_candidates: list[np.ndarray] = field(default_factory=list)
    next_position: int = 0

    def __len__(self) -> int:
        return sum(len(ids) for ids in self.input_ids)

    def add_text(
        self,
        token_ids: list[int],
        *,
        modality_id: int = NO_MODALITY,
        candidates: tuple[int, int] = (NO_CANDIDATE, NO_CANDIDATE),
    ) -> None:
        """Append text tokens; ``candidates`` is their inclusive range."""
        count = len(token_ids)
        positions = text_positions(self.next_position, count)
        first, last = (np.full(count, candidate) for candidate in candidates)
        self._append(np.asarray(token_ids, dtype=np.int64), positions, np.full(count, modality_id), first, last)
        self.next_position += count

    def add_audio(self, *, token_id: int, modality_id: int, candidates: np.ndarray) -> None:
        """Append sound tokens, counted like text; ``candidates`` is (num_tokens, 2), first and last of each."""
        count = len(candidates)
        positions = text_positions(self.next_position, count)
        self._append(np.full(count, token_id), positions, np.full(count, modality_id), *candidates.T)
        self.next_position += count

    def add_video(
        self,
        *,
        token_id: int,
        modality_id: int,
        num_candidates: int,
        grid_height: int,
        grid_width: int,
        time_interval: float,
        first_candidate: int = 0,
    ) -> None:
        """Append one two-frame patch of merged visual tokens a candidate: each keeps its own tokens."""
        positions = video_positions(
            self.next_position,
            num_steps=num_candidates,
            grid_height=grid_height,
            grid_width=grid_width,
            time_interval=time_interval,
        )
        candidates = np.repeat(first_candidate + np.arange(num_candidates), grid_height * grid_width)
        count = len(candidates)
        self._append(np.full(count, token_id), positions, np.full(count, modality_id), candidates, candidates)
        self.next_position = int(positions.max()) + 1

    def _append(
        self,
        ids: np.ndarray,
        positions: np.ndarray,
        modality: np.ndarray,
        first: np.ndarray,
        last: np.ndarray,
    ) -> None:
        self.input_ids.append(ids)
        self.position_ids.append(positions)
        self.modality_ids.append(modality)
        self.first_candidates.append(first)
        self.last_candidates.append(last)


def stack_sequences(sequences: SequenceOf[Sequence], *, pad_token_id: int) -> dict[str, torch.Tensor]:
    """Sequences side by side, padded on the right; shapes as in
    :meth:`~clamr_select.model.processing_clamr.ClamrProcessor.process_documents`."""
    length = max(len(sequence) for sequence in sequences)

    def stack(name: str, fill: int) -> torch.Tensor:
        rows = [np.concatenate(getattr(sequence, name), axis=-1) for sequence in sequences]
        padded = [np.pad(r, [(0, 0)] * (r.ndim - 1) + [(0, length - r.shape[-1])], constant_values=fill) for r in rows]
        return torch.from_numpy(np.stack(padded, axis=-2))

    counts = torch.tensor([len(sequence) for sequence in sequences])
    return {
        "input_ids": stack("input_ids", pad_token_id),
        "attention_mask": (torch.arange(length) < counts[:, None]).long(),
        "position_ids": stack("position_ids", 1),
        "modality_ids": stack("modality_ids", NO_MODALITY),
        "first_candidates": stack("first_candidates", NO_CANDIDATE),
        "last_candidates": stack("last_candidates", NO_CANDIDATE),
    }
