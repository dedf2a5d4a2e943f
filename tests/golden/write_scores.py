"""Similarity matrices of the released code, with their inputs, for ours to be held against.

    python write_scores.py --released CHECKOUT --model tests/golden/vl_4_51 --output tests/golden/scores

Writes ``tokens.safetensors`` (random token vectors with labels and padding, and their matrices: the scoring alone) and
``documents.safetensors`` with ``documents.json`` (50 random documents, each without some of the texts,
through the released processor and model: the whole way). Runs where ``vl_4_51`` was made, with torchmetrics beside.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make_released import MAX_LENGTHS, MODALITIES, released_classes
from PIL import Image
from safetensors.torch import save_file

NUM_DOCUMENTS = 50
NUM_QUERIES = 8
BLOCK = 14
"""Pixels a side of one random colour: frames are stored as their blocks."""
WORDS = (
    *("harbor", "lantern", "glacier", "walrus", "cello", "bridge", "treaty", "signal", "copper", "orchard", "ferry"),
    *("violet", "compass", "naïve", "12:30", "£40", "Straße", "東京", "don't", "re-enter", "(cont.)", "HARBOR", "a"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--released", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    model_class, processor_class = released_classes(arguments.released.resolve(), "vl")
    similarities = released_similarities(arguments.released.resolve())
    save_file(token_scores(similarities), arguments.output / "tokens.safetensors")
    model, processor = adapted(model_class, processor_class, arguments.model)
    documents, queries, blocks = random_documents()
    stored = {f"blocks.{position}": torch.from_numpy(block) for position, block in blocks.items()}
    stored |= document_scores(model, processor, documents, queries, blocks, similarities)
    save_file(stored, arguments.output / "documents.safetensors")
    text = json.dumps({"queries": queries, "documents": documents}, ensure_ascii=False, indent=0)
    (arguments.output / "documents.json").write_text(text + "\n", encoding="utf-8")


def released_similarities(released: Path) -> dict[str, Any]:
    """``util.py`` names every class of the package; transformers 4.51.3 lacks Omni's."""
    package = sys.modules["models"]
    for name in ("ColQwen2_5", "ColQwen2_5Processor", "ColQwenOmni", "ColQwenOmniProcessor"):
        setattr(package, name, None)
    sys.path.insert(0, str(released / "src"))
    spec = importlib.util.spec_from_file_location("released_util", released / "src" / "util.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no src/util.py in {released}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AGGREGATION_MAPPING


def adapted(model_class: Any, processor_class: Any, directory: Path) -> tuple[Any, Any]:
    from peft import PeftModel
    from transformers import set_seed

    set_seed(42)
    base = model_class.from_pretrained(directory / "base")
    return (
        PeftModel.from_pretrained(base, directory / "adapter").eval(),
        processor_class.from_pretrained(directory / "adapter", use_fast=True),
    )


def token_scores(similarities: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Vectors with a common part, so that a query token is below 0 with all of some document and a pad wins."""
    generator = torch.Generator().manual_seed(0)
    length, dim = 24, 16
    vectors = torch.randn(NUM_DOCUMENTS, length, dim, generator=generator) + 0.5
    queries = torch.randn(NUM_QUERIES, 6, dim, generator=generator) - 0.3
    modality_ids = torch.zeros(NUM_DOCUMENTS, length, dtype=torch.long)
    attention = torch.zeros(NUM_DOCUMENTS, length, dtype=torch.long)
    for row in range(NUM_DOCUMENTS):
        # one document in ten has no padding; each modality is absent from some
        used = length if row % 10 == 0 else int(torch.randint(6, length, (1,), generator=generator))
        attention[row, -used:] = 1
        present = torch.tensor([m for m in range(5) if (row >> m) % 2 == 0 or m == 0])
        drawn = torch.randint(len(present), (used,), generator=generator)
        modality_ids[row, -used:] = present[drawn]
    vectors = torch.nn.functional.normalize(vectors, dim=-1) * attention[..., None]
    queries = torch.nn.functional.normalize(queries, dim=-1)
    query_mask = torch.ones(queries.shape[:2])
    scores = {}
    for name, similarity in similarities.items():
        # released code wants as many queries as documents in no place: [queries, documents]
        scores[f"scores.{name}"] = similarity(queries, vectors, modality_ids, None, None)
        scores[f"normalized.{name}"] = similarity(queries, vectors, modality_ids, None, query_mask)
    stored = {"queries": queries, "vectors": vectors, "modality_ids": modality_ids, "attention_mask": attention}
    return stored | scores


def random_documents() -> tuple[list[dict[str, str]], list[str], dict[int, np.ndarray]]:
    """Texts by modality; questions; and each document's (frames, rows, columns, 3) uint8 blocks."""
    rng = np.random.default_rng(1)

    def sentence(low: int, high: int) -> str:
        return " ".join(rng.choice(WORDS, size=int(rng.integers(low, high))))

    documents, blocks = [], {}
    for position in range(NUM_DOCUMENTS):
        texts = {name: sentence(2, 14) for name in MODALITIES[1:] if rng.random() < 0.6}
        rows, columns = (4, 6) if rng.random() < 0.5 else (6, 4)
        frames = int(rng.integers(1, 5))
        blocks[position] = rng.integers(0, 256, (frames, rows, columns, 3), dtype=np.uint8)
        documents.append(texts)
    return documents, [sentence(2, 9) + "?" for _ in range(NUM_QUERIES)], blocks


def document_scores(
    model: Any,
    processor: Any,
    documents: list[dict[str, str]],
    queries: list[str],
    blocks: dict[int, np.ndarray],
    similarities: dict[str, Any],
) -> dict[str, torch.Tensor]:
    query_inputs = processor.process_queries(queries, max_length=64)
    embeddings, labels, lengths = [], [], []
    prefixes = {"ocr": "OCR: ", "asr": "ASR: ", "description": "Description: "}
    with torch.no_grad():
        query_embeddings = model(**query_inputs)
        for position, texts in enumerate(documents):
            # one by one: a batch where only some lack a modality stops the released processor
            inputs = {name: [text] for name, text in texts.items()}
            frames = blocks[position].repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)
            inputs["video"] = [[Image.fromarray(frame) for frame in frames]]
            batch = processor.process_combined(
                inputs, prefixes, MAX_LENGTHS, max_length=MAX_LENGTHS["combined"], modality_types=MODALITIES
            )
            labels.append(batch.pop("modality_ids"))
            lengths.append(int(batch["attention_mask"].sum()))
            embeddings.append(model(**batch))
    vectors, modality_ids = torch.cat(embeddings), torch.cat(labels)
    stored = {"lengths": torch.tensor(lengths)}
    stored["modality_ids"] = torch.cat([row[-n:] for row, n in zip(modality_ids, lengths, strict=True)]).to(torch.uint8)
    for name, similarity in similarities.items():
        rows = [similarity(query[None], vectors, modality_ids, None, None) for query in query_embeddings]
        stored[f"scores.{name}"] = torch.cat(rows)
    return stored


if __name__ == "__main__":
    main()
