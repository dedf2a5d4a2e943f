"""What is put into a library to be measured: needle documents through a model, or vectors drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.eval.needle.documents import BenchmarkQuestion, documents
from clamr_select.eval.ranking.pool import encode_pool, score_pool
from clamr_select.metrics import ndcg_at_k
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.retrieval import VideoEmbeddings
from clamr_select.training.views import View

DEPTH = 10
PREFIX = "needle-"


@dataclass(frozen=True)
class NeedleLibrary:
    """Documents as videos, questions as vectors, and what loops over all of them say."""

    videos: tuple[VideoEmbeddings, ...]
    questions: tuple[BenchmarkQuestion, ...]
    queries: tuple[np.ndarray, ...]
    """(num_query_tokens, dim) float32 each."""
    exact: dict[str, np.ndarray]
    """Similarity to (num_questions, num_videos) scores, by brute force."""

    def ndcg(self, question: BenchmarkQuestion, found: Sequence[str]) -> float:
        """nDCG@10 of ids, best first; those that may answer as well are taken out."""
        ignored = {f"{PREFIX}{i}" for i in question.query.ignored_documents}
        relevant = {f"{PREFIX}{i}" for i in question.query.positive_documents}
        return ndcg_at_k([name for name in found if name not in ignored], relevant=relevant, k=DEPTH)


def needle_library(
    encoder: ClamrEncoder, *, num_documents: int, num_questions: int | None, seed: int, split: str = "test"
) -> NeedleLibrary:
    """
    Args:
        num_questions: of those there are, the first; None takes all.
    """
    found = documents(seed=seed, split=split, noise="clean", num_documents=num_documents)  # type: ignore[arg-type]
    pool = encode_pool(encoder, (found.documents[i] for i in range(len(found.documents))), view=View())
    questions = found.questions[:num_questions]
    queries, _ = encoder.encode_query([question.query.text for question in questions])
    exact = score_pool(queries, pool=pool, rows="documents", scores=["token_max", "modality_max"])
    videos = []
    for number in range(len(found.documents)):
        of_video = pool.document_of_token == number
        vectors = {
            name: pool.tokens.vectors[of_video & (pool.tokens.modality_ids == place)].float().numpy()
            for place, name in enumerate(encoder.modalities, start=1)
        }
        present = {name: tokens for name, tokens in vectors.items() if len(tokens)}
        videos.append(VideoEmbeddings(f"{PREFIX}{number}", present))
    return NeedleLibrary(
        tuple(videos), questions, tuple(query.numpy() for query in queries), {str(n): t for n, t in exact.items()}
    )


def random_videos(numbers: Iterable[int], *, num_tokens: int, dim: int, seed: int) -> Iterator[VideoEmbeddings]:
    """Videos of two modalities with at most ``num_tokens`` together; a video's vectors depend on its number alone."""
    for number in numbers:
        tokens = random_tokens(num_tokens, dim=dim, seed=seed, number=number)
        half = num_tokens // 2
        yield VideoEmbeddings(f"random-{number}", {"video": tokens[:half], "asr": tokens[half:]})


def random_tokens(num_tokens: int, *, dim: int, seed: int, number: int) -> np.ndarray:
    """(num_tokens, dim) float32 of length 1, about a direction that all of a seed share, as a model's do."""
    common = np.random.default_rng(seed).normal(size=dim)
    tokens = np.random.default_rng((seed, number)).normal(size=(num_tokens, dim)) + common
    return (tokens / np.linalg.norm(tokens, axis=1, keepdims=True)).astype(np.float32)
