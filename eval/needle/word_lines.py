"""Training batches of lines full of words, which misspelt words have to find: reading, and nothing else.

The lines of :mod:`language` hold two or three content words each, so a question's words stand out. In real speech they
stand among many that resemble them, and a model that had only seen the former found one of two misspelt questions among
500 lines of plain English (docs/log.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.eval.needle.batches import label
from clamr_select.eval.needle.noise import change_letter
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.plans import DocumentPlan, Line
from clamr_select.eval.needle.predicates import HoldsWordsAnywhere
from clamr_select.eval.needle.questions import Question
from clamr_select.eval.needle.vocabulary import RESERVED, Split, inflect, load_words, pick, pseudo_word
from clamr_select.training.batch import TrainingBatch

MIN_LETTERS = 5
"""Of a word that is asked for."""
_COMMON = sorted(RESERVED)
_NUM_WORDS = 600
_FIRST_RANK = 8  # of Zipf's law: the most frequent content word is no "the"


@dataclass(frozen=True)
class _WordLine:
    text: str
    base_forms: Mapping[str, str]
    """Of its content words as they are written."""
    modality: str


def word_line_batch(
    rng: np.random.Generator, *, num_documents: int, split: Split = "train", typo_share: float = 0.85
) -> TrainingBatch:
    """Documents of 3 to 10 grey frames with a line of 6 to 21 words at each, spoken or (in three of ten documents)
    written; for most lines a question: one or two of its rarer words and nothing else.

    Args:
        typo_share: of the words asked for (0 to 1): one letter is wrong.
    """
    content = _Content(rng, split=split)
    scene = draw_scene(rng, split=split)
    plans, lines = [], []
    for _ in range(num_documents):
        modality = "ocr" if rng.random() < 0.3 else "asr"
        spoken = [content.line(rng, modality) for _ in range(int(rng.integers(3, 11)))]
        plan = DocumentPlan(224, 126, [scene] * len(spoken))
        for at, line in enumerate(spoken):
            held = frozenset(line.base_forms.values())
            if modality == "asr":
                plan.asr.append(Line(line.text, held, at, at))
            else:
                plan.ocr.append(Line(line.text, held, at, at, "caption"))
        plans.append(plan)
        lines += spoken
    questions = _questions(lines, rng, typo_share=typo_share)
    return TrainingBatch(tuple(plan.document(pictures=False) for plan in plans), label(questions, plans))


class _Content:
    """The content words of one batch, frequent ones and rare ones."""

    def __init__(self, rng: np.random.Generator, *, split: Split) -> None:
        listed = load_words(split)
        self._words = [
            pseudo_word(rng, split=split) if rng.random() < 0.15 else pick(rng, listed) for _ in range(_NUM_WORDS)
        ]
        weights = 1 / np.arange(_FIRST_RANK, _FIRST_RANK + _NUM_WORDS)
        self._cumulative = np.cumsum(weights) / weights.sum()

    def line(self, rng: np.random.Generator, modality: str) -> _WordLine:
        written: list[str] = []
        base_forms = {}
        for _ in range(int(rng.integers(6, 22))):
            if rng.random() < 0.4:
                written.append(pick(rng, _COMMON))
                continue
            word = self._words[min(int(np.searchsorted(self._cumulative, rng.random())), _NUM_WORDS - 1)]
            written.append(inflect(word, rng) if rng.random() < 0.35 else word)
            base_forms[written[-1]] = word
        text = " ".join(written)
        return _WordLine(f"{text[0].upper()}{text[1:]}." if rng.random() < 0.7 else text, base_forms, modality)


def _questions(lines: Sequence[_WordLine], rng: np.random.Generator, *, typo_share: float) -> list[Question]:
    num_lines = Counter(word for line in lines for word in set(line.base_forms.values()))
    questions = []
    for line in lines:
        longer = [word for word in line.base_forms if len(word) >= MIN_LETTERS]
        if len(longer) < 2:
            continue
        rarest = sorted(longer, key=lambda word: num_lines[line.base_forms[word]])[:4]
        asked = [rarest[int(i)] for i in sorted(rng.permutation(len(rarest))[: 1 if rng.random() < 0.15 else 2])]
        text = " ".join(change_letter(word, rng) if rng.random() < typo_share else word for word in asked)
        held = frozenset(line.base_forms[word] for word in asked)
        questions.append(Question(text, line.modality, HoldsWordsAnywhere(held)))
    return questions
