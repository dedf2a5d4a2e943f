"""English that no one here wrote: docstrings and manuals of installed packages, cut into timed lines.

Every candidate, a grey frame, has one line of speech. A question is two content words of one line, one letter changed
in each; it has to find that candidate among others. Rare
words fall into pieces in a small model's vocabulary, and a word with a wrong letter into other pieces: this is where
a model that matches tokens can lose to plain character trigrams.
"""

from __future__ import annotations

import ast
import platform
import re
import string
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import files, version
from pydoc_data.topics import topics
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.needle.benchmark.groups import interval, margin
from clamr_select.eval.ranking.pool import encode_pool, score_pool
from clamr_select.eval.ranking.words import Bm25
from clamr_select.indexing.options import DEFAULT_WINDOW_CANDIDATES
from clamr_select.metrics import expected_recall_at_k
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.views import View

SOURCES = (
    ("numpy", "numpy/lib/"),
    ("pillow", "PIL/"),
    ("matplotlib", "matplotlib/axes/"),
    ("torch", "torch/optim/"),
    ("transformers", "transformers/data/"),
)
"""Distributions that this project depends on, and the files of each whose docstrings are read; with them goes
Python's own manual, as ``help()`` shows it."""
NUM_LINES = 500
MIN_WORDS, MAX_WORDS = 8, 24
MIN_LETTERS = 6
"""Of a content word."""
_WORD = re.compile(r"[A-Za-z]+")


def packages_read() -> list[str]:
    """``name version`` of what the lines come from: other versions give other lines."""
    return [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name, _ in SOURCES)]


def english_lines() -> list[str]:
    """Sentences without code, once each, in alphabetical order.

    They are read from the files: what an imported module holds depends on what was imported before it.
    """
    found = {sentence for text in _docstrings() for sentence in _sentences(text)}
    return sorted(found)


def pick_questions(lines: list[str], *, seed: int, num_lines: int = NUM_LINES) -> tuple[list[str], list[str]]:
    """``num_lines`` lines that are far from each other in the alphabet, and one question for each.

    Raises:
        InputError: there are too few lines with two content words.
    """
    rng = np.random.default_rng(seed)
    order = [lines[int(i)] for i in rng.permutation(len(lines))]
    used = [line for line in order if len(_content_words(line)) >= 2][:num_lines]
    if len(used) < num_lines:
        raise InputError(f"got {len(used)} lines with two content words, wanted {num_lines}; ask for fewer")
    counts = Counter(word for line in used for word in set(_content_words(line)))
    questions = []
    for line in used:
        words = _content_words(line)
        rarest = sorted(words, key=lambda word: (counts[word], words.index(word)))[:4]
        first, second = sorted(int(i) for i in rng.permutation(len(rarest))[:2])
        questions.append(f"{change_letter(rarest[first], rng)} {change_letter(rarest[second], rng)}")
    return used, questions


def change_letter(word: str, rng: np.random.Generator) -> str:
    """The word with one letter, never its first, replaced by another."""
    at = int(rng.integers(1, len(word)))
    letters = [letter for letter in string.ascii_lowercase if letter != word[at].lower()]
    return word[:at] + letters[int(rng.integers(len(letters)))] + word[at + 1 :]


def plain_english_report(
    *, encoder: ClamrEncoder, seed: int, num_lines: int = NUM_LINES, modality: str = "asr"
) -> dict[str, Any]:
    """R@1 of the model and of BM25 over words and trigrams, the model's margin over the better one.

    Args:
        modality: what the lines are said to be: ``asr`` or ``ocr``.
    """
    lines, questions = pick_questions(english_lines(), seed=seed, num_lines=num_lines)
    pool = encode_pool(encoder, _timed(lines, modality), view=View())
    queries, _ = encoder.encode_query(questions)
    words, trigrams = Bm25(lines, terms="words"), Bm25(lines, terms="trigrams")
    tables = {
        "clamr": score_pool(queries, pool=pool, rows="frames", scores=["token_max"])["token_max"],
        "bm25_words": np.stack([words.scores(question) for question in questions]),
        "bm25_trigrams": np.stack([trigrams.scores(question) for question in questions]),
    }
    found = {name: _recall_at_1(table) for name, table in tables.items()}
    better = max(("bm25_words", "bm25_trigrams"), key=lambda name: float(found[name].mean()))
    return {
        "packages": packages_read(),
        "num_questions": len(questions),
        "num_rows": len(lines),
        "systems": {name: {"recall@1": interval(values, seed=seed)} for name, values in found.items()},
        "best_baseline": better,
        "margin": margin(found["clamr"], found[better], seed=seed),
        "examples": [{"line": line, "question": q} for line, q in zip(lines[:5], questions[:5], strict=True)],
    }


def _timed(lines: list[str], modality: str) -> Iterator[Document]:
    """A line a candidate, in windows as :class:`clamr_select.FrameSelector` cuts them."""
    grey = np.full((126, 224, 3), 128, dtype=np.uint8)
    for start in range(0, len(lines), DEFAULT_WINDOW_CANDIDATES):
        some = lines[start : start + DEFAULT_WINDOW_CANDIDATES]
        yield Document([grey] * len(some), tuple(TextSegment(modality, line, i, i) for i, line in enumerate(some)))


def _recall_at_1(table: np.ndarray) -> np.ndarray:
    rows = np.arange(len(table))
    return np.array([expected_recall_at_k(scores, relevant=rows == row, k=1) for row, scores in enumerate(table)])


def _docstrings() -> Iterator[str]:
    yield from topics.values()
    for name, folder in SOURCES:
        for file in sorted(files(name) or (), key=str):
            if file.suffix == ".py" and str(file).startswith(folder) and "tests" not in file.parts:
                tree = ast.parse(file.read_text(encoding="utf-8"))
                documented = (n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Module)))
                yield from filter(None, map(ast.get_docstring, documented))


def _sentences(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        joined = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.!?])\s+", joined):
            plain = re.fullmatch(r"[A-Z][A-Za-z ,;:'()-]+[.!?]", sentence)
            if plain and MIN_WORDS <= len(sentence.split()) <= MAX_WORDS:
                yield sentence


def _content_words(line: str) -> list[str]:
    """Its long words, once each, lower-cased, in order."""
    return list(dict.fromkeys(word.lower() for word in _WORD.findall(line) if len(word) >= MIN_LETTERS))
