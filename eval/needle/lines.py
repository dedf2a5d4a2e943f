"""The text of training batches, for a vocabulary; nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from clamr_select.eval.needle.batches import TARGETS, planned_batches
from clamr_select.eval.needle.vocabulary import load_words


def training_lines(*, seed: int, num_batches: int) -> Iterator[str]:
    """Every word of the list once, whatever its split, so that no common word falls to pieces; then what is said,
    written and asked in ``num_batches`` training batches. The same arguments give the same lines."""
    yield from load_words()
    batches = planned_batches(
        seed=seed, num_documents=48, max_frames=8, vision_only_share=0.2, split="train", noise="mixed",
        neighbors=False, typo_share=0.1, targets=TARGETS,
    )  # fmt: skip
    for plans, queries in islice(batches, num_batches):
        for plan in plans:
            yield from (line.text for line in (*plan.asr, *plan.ocr))
            if plan.description:
                yield plan.description
        yield from (query.text for query in queries)
