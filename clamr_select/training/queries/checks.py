"""Which written queries are kept: well formed, new, and leaking nothing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from clamr_select.errors import InputError
from clamr_select.training.convert.tables import read_pairs
from clamr_select.training.data.asked import read_queries
from clamr_select.training.data.sources import RowSource
from clamr_select.training.queries.near import NearDuplicates
from clamr_select.training.queries.words import contains_run, longest_shared_run, words_of

MIN_WORDS, MAX_WORDS = 2, 32
MIN_TITLE_WORDS = 3
"""A title of one or two words is often a name that any query may hold."""
_QUOTES = "\"'“”„«»`"
_BULLET = re.compile(r"^(?:\s*(?:[-*•–]|\(\d{1,2}\)|\d{1,2}[.)](?=\s)|quer(?:y|ies)\s*\d*\s*:)\s*)+", re.IGNORECASE)


def parse_reply(reply: str, *, cut_off: bool, num_queries: int) -> list[str]:
    """The queries in a model's answer: its first lines, without bullets, numbers and quotes.

    Args:
        cut_off: the model ran out of tokens, so its last line is not whole.
    """
    lines = reply.strip().splitlines()
    if cut_off:
        lines = lines[:-1]
    queries = [" ".join(_BULLET.sub("", line).strip().strip(_QUOTES).split()) for line in lines]
    return [query for query in queries if query][:num_queries]


class QueryChecks:
    """Says why a query is refused; remembers those that were kept.

    Args:
        held_out: queries of the evaluation: nothing near one of them is kept.
        test_titles: of the evaluation's videos: no query names one of three words or more.
        max_copied_words: longest run of words that a query may share with what it was made from, at least 1.
        near_duplicate: Jaccard index of character trigrams from which two queries are the same.

    Raises:
        InputError: a number out of range.
    """

    def __init__(
        self,
        *,
        held_out: Iterable[str] = (),
        test_titles: Iterable[str] = (),
        max_copied_words: int = 5,
        near_duplicate: float = 0.8,
    ) -> None:
        if max_copied_words < 1:
            raise InputError(f"max_copied_words must be at least 1, got {max_copied_words}")
        held_out, test_titles = list(held_out), list(test_titles)
        self._max_copied_words = max_copied_words
        self._kept_words: set[tuple[str, ...]] = set()
        self._kept = NearDuplicates(threshold=near_duplicate)
        self._held_out = NearDuplicates(threshold=near_duplicate)
        for query in held_out:
            self._held_out.add(query)
        settled = json.dumps([held_out, test_titles, max_copied_words, near_duplicate])
        self.fingerprint = hashlib.blake2b(settled.encode(), digest_size=8).hexdigest()
        """Of the settings and lists: what was checked with others is not mixed with these."""
        titles = (words_of(title) for title in test_titles)
        self._titles_by_first_word: dict[str, list[list[str]]] = {}
        for title in titles:
            if len(title) >= MIN_TITLE_WORDS:
                self._titles_by_first_word.setdefault(title[0], []).append(title)

    def refuse(self, query: str, *, material: str) -> str | None:
        """The reason not to keep a query, None where there is none.

        Args:
            material: the text that it was made from.
        """
        words = words_of(query)
        if not MIN_WORDS <= len(words) <= MAX_WORDS:
            return f"length: {len(words)} words, allowed are {MIN_WORDS} to {MAX_WORDS}"
        copied = longest_shared_run(words, words_of(material))
        if copied > self._max_copied_words:
            return f"copied: {copied} words in a row from the video's own text"
        title = self._named_title(words)
        if title is not None:
            return f"test title: names {' '.join(title)!r}"
        held_out = self._held_out.find(query)
        if held_out is not None:
            return f"held out: near {held_out!r}"
        if tuple(words) in self._kept_words:
            return "duplicate: the same words"
        near = self._kept.find(query)
        return None if near is None else f"near duplicate: near {near!r}"

    def keep(self, query: str) -> None:
        self._kept_words.add(tuple(words_of(query)))
        self._kept.add(query)

    def _named_title(self, words: Sequence[str]) -> list[str] | None:
        for word in words:
            for title in self._titles_by_first_word.get(word, ()):
                if contains_run(list(words), title):
                    return title
        return None


def read_held_out(path: Path) -> list[str]:
    """Queries of the evaluation: ``.txt`` (one a line), ``.csv`` (id, query), or ``.json`` and ``.jsonl`` as
    :func:`~clamr_select.training.data.asked.read_queries` has them.

    Raises:
        InputError: nothing there, another form, or an entry that is no query: what is held out must be whole.
    """
    if path.suffix == ".txt":
        try:
            return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {path}: {error}") from error
    if path.suffix == ".csv":
        return [query for _, _, query in read_pairs(path)]
    asked, bad = read_queries(path)
    if bad:
        raise InputError(f"{len(bad)} entries of {path} are no queries: {bad[0].name}: {bad[0].reason}")
    return [query for entry in asked for query in entry.queries]


def read_titles(source: RowSource) -> list[str]:
    """The titles of rows, those that have one.

    Raises:
        InputError: a row is no object, or its title no text.
    """
    titles = []
    for number in range(len(source)):
        raw = source[number]
        title = raw.get("title") if hasattr(raw, "get") else 0
        if title is not None and not isinstance(title, str):
            raise InputError(f"{source.place(number)} has no title that is text, got {title!r}")
        titles += [title] if title else []
    return titles
