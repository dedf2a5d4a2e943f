"""The corpus through every encoder, part by part: a video is read once for all encoders that lack it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from clamr_select.errors import BadRowError
from clamr_select.eval.ranking.pool import PoolBuilder, TokenEncoder, chunks
from clamr_select.eval.retrieval.corpus import Corpus
from clamr_select.eval.retrieval.encoders.dual import AUDIO
from clamr_select.eval.retrieval.loading import ReadRow, RowReader
from clamr_select.eval.retrieval.parts import PartFolder, Parts
from clamr_select.model.document import Document
from clamr_select.model.processing_clamr import Truncation
from clamr_select.scoring.codes import Precision
from clamr_select.training.data.assemble import row_document
from clamr_select.training.data.budgets import TextBudgets
from clamr_select.training.data.report import BadRow, OnBadRow
from clamr_select.training.encoding import EncodedDocuments
from clamr_select.training.views import VIDEO, View

logger = logging.getLogger(__name__)


class QuestionEncoder(TokenEncoder, Protocol):
    """Of documents and questions."""

    def encode_query(self, questions: Sequence[str], /) -> tuple[list[torch.Tensor], list[Truncation]]: ...


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder that is ready, with what it sees of a row and where its embeddings lie."""

    encoder: QuestionEncoder
    view: View
    parts: PartFolder
    hears: bool = False
    budgets: TextBudgets | None = None
    """Of texts; None leaves them to the encoder to cut."""
    without: Collection[str] = ()
    """Modalities that are left out."""

    def document(self, read: ReadRow) -> tuple[Document | None, int]:
        """What is encoded, None where the settings leave nothing of a row; and the tokens of text that were cut."""
        audio = read.audio if self.hears and AUDIO not in self.without else None
        if audio is not None and VIDEO in self.without:  # without frames there are no times to place it at
            audio = replace(audio, candidate_starts_seconds=())
        try:
            document, num_cut = row_document(read.row, frames=read.frames, budgets=self.budgets, dropped=self.without)
        except BadRowError:  # a checked row has something
            return (None if audio is None else Document((), audio=audio)), 0
        return replace(document, audio=audio), num_cut


def part_folder(
    output: Path, *, alias: str, identity: Mapping[str, Any], corpus: Corpus, settings: Mapping[str, Any]
) -> PartFolder:
    """Of one encoder on one corpus: its name ends in a digest of all that the embeddings depend on."""
    kept = {"encoder": identity, "corpus": corpus.digest, **settings}
    return PartFolder(output / "embeddings" / f"{alias}-{digest_of(kept)}", settings=kept)


def digest_of(value: Any) -> str:
    """Twelve letters for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def encode_corpus(
    corpus: Corpus,
    encoders: Sequence[LoadedEncoder],
    *,
    reader: RowReader,
    parts: Parts,
    shard: tuple[int, int] = (0, 1),
    precision: Precision = "as_encoded",
    on_bad_row: OnBadRow = "error",
) -> None:
    """Write the parts that are not there yet; one part's embeddings and a few videos are in memory at a time.

    Args:
        shard: (which, of how many): several processes share the folders, each its own parts.
        on_bad_row: ``error`` stops at a video that cannot be read; ``skip`` notes it in the part.

    Raises:
        BadRowError: a video cannot be read, and nobody asked to skip it.
    """
    for number in parts.of_shard(shard):
        missing = [encoder for encoder in encoders if not encoder.parts.has(number)]
        if missing:
            _PartMaker(missing, reader).make(corpus, parts, number, precision=precision, on_bad_row=on_bad_row)
            logger.info("embeddings: part %d of %d", number + 1, len(parts))


class _PartMaker:
    """One part, for several encoders."""

    def __init__(self, encoders: Sequence[LoadedEncoder], reader: RowReader) -> None:
        self._encoders = encoders
        self._reader = reader
        self._builders = [PoolBuilder(encoder.encoder, view=encoder.view) for encoder in encoders]
        self._num_cut = [0] * len(encoders)
        self._places: list[list[int]] = [[] for _ in encoders]
        """In the part, of the documents that each encoder was given."""

    def make(self, corpus: Corpus, parts: Parts, number: int, *, precision: Precision, on_bad_row: OnBadRow) -> None:
        positions = parts.positions(number)
        skipped: list[tuple[int, BadRow]] = []

        def rows() -> Iterator[tuple[int, ReadRow]]:
            for place, position in enumerate(positions):
                try:
                    read = self._reader.read(corpus.row(position))
                except BadRowError as error:
                    if on_bad_row == "error":
                        raise
                    logger.warning("skipped: %s", error)
                    skipped.append((position, BadRow.of(error)))
                else:
                    yield place, read

        for some in chunks(rows()):
            for at in range(len(self._encoders)):
                self._add(at, some)
        for at, encoder in enumerate(self._encoders):
            builder = self._builders[at]
            encoder.parts.write(
                number,
                _at_places(builder.pool(), self._places[at], num_documents=len(positions)),
                precision=precision,
                skipped=skipped,
                num_tokens_cut=builder.num_tokens_cut + self._num_cut[at],
            )

    def _add(self, at: int, some: Sequence[tuple[int, ReadRow]]) -> None:
        documents = []
        for place, read in some:
            document, num_cut = self._encoders[at].document(read)
            self._num_cut[at] += num_cut
            if document is not None:
                documents.append(document)
                self._places[at].append(place)
        self._builders[at].add(documents)


def _at_places(pool: EncodedDocuments, places: Sequence[int], *, num_documents: int) -> EncodedDocuments:
    """The documents that were encoded, among those that were not."""
    owners = torch.tensor(places, dtype=torch.int64)[pool.document_of_token]
    return EncodedDocuments(pool.tokens, owners, torch.zeros(num_documents, dtype=torch.int64))
