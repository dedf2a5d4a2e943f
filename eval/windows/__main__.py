"""Frame retrieval by document length.

    python -m clamr_select.eval.windows [--model clamr-nano] [--num-batches 6]

Test documents of up to 16 candidates are cut into windows; every question is scored against every frame of its
batch, about three hundred with siblings and near misses. Prints hit@1 and hit@8 by target, and the difference to
the default window with a paired 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice

import numpy as np
import torch
from transformers.utils import logging as transformers_logging

from clamr_select.eval.needle.batches import training_batches
from clamr_select.eval.windows.cut import cut_document
from clamr_select.indexing.options import DEFAULT_WINDOW_CANDIDATES
from clamr_select.metrics import paired_bootstrap_interval
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.maxsim import aggregate, segment_maxsim
from clamr_select.scoring.segments import candidate_segments
from clamr_select.scoring.tokens import concatenate
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.losses import IGNORED, POSITIVE
from clamr_select.training.relations import relations

WINDOWS = (1, 2, 4, 8, 16)
SEED = 77


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="clamr-nano")
    parser.add_argument("--num-batches", type=int, default=6)
    arguments = parser.parse_args(argv)
    transformers_logging.disable_progress_bar()
    encoder = ClamrEncoder.from_pretrained(arguments.model)
    batches = list(
        islice(training_batches(seed=SEED, max_frames=16, vision_only_share=0.0, split="test"), arguments.num_batches)
    )
    targets = np.array([query.target for batch in batches for query in batch.queries if query.positive_frames])
    ranks = {w: np.concatenate([frame_ranks(encoder, batch, window=w) for batch in batches]) for w in WINDOWS}
    print(f"{len(targets)} questions, hit@1 / hit@8 by target")
    print("window  " + "  ".join(f"{t:>11}" for t in ("all", *sorted(set(targets)))) + "  hit@1 against the default")
    for window in WINDOWS:
        cells = [_cell(ranks[window])] + [_cell(ranks[window][targets == t]) for t in sorted(set(targets))]
        interval = paired_bootstrap_interval(
            (ranks[window] == 1).astype(float), (ranks[DEFAULT_WINDOW_CANDIDATES] == 1).astype(float), seed=SEED
        )
        print(f"{window:>6}  " + "  ".join(cells) + f"  {100 * interval.low:+.1f} … {100 * interval.high:+.1f} points")
    return 0


def frame_ranks(encoder: ClamrEncoder, batch: TrainingBatch, *, window: int) -> np.ndarray:
    """Rank of the best frame that answers, for each question that a frame answers; ignored frames left out."""
    documents = [piece for document in batch.documents for piece in cut_document(document, window=window)]
    tokens = concatenate(encoder.encode_document(documents)[0])
    queries, _ = encoder.encode_query([query.text for query in batch.queries])
    segments = candidate_segments(tokens)
    frame_relations, _ = relations(batch)
    ranks = []
    for query, relation in zip(queries, frame_relations, strict=True):
        if not bool((relation == POSITIVE).any()):
            continue
        scores = aggregate(segment_maxsim(query, vectors=tokens.vectors, segments=segments), similarity="token_max")
        scores = scores.masked_fill(relation == IGNORED, -torch.inf)
        best = scores[relation == POSITIVE].max()
        ranks.append(1 + int((scores > best).sum()))
    return np.array(ranks)


def _cell(ranks: np.ndarray) -> str:
    return f"{np.mean(ranks == 1):.3f}/{np.mean(ranks <= 8):.3f}".rjust(11)


if __name__ == "__main__":
    sys.exit(main())
