"""The entry of a selection file that belongs to a question: by its name, by video and words, or by its number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.selection_files import FileEntry, question_key, stem_key, video_key

if TYPE_CHECKING:
    from clamr_select.integrations.lmms_eval.selecting import Wanted

SHOWN_OF_SEVERAL = 3


class SelectionIndex:
    """All entries of one file.

    Args:
        kind: of the file, for errors.
    """

    def __init__(self, entries: Sequence[FileEntry], *, kind: str) -> None:
        self.kind = kind
        self._by_id: dict[str, list[FileEntry]] = defaultdict(list)
        self._by_question: dict[tuple[str, str], list[FileEntry]] = defaultdict(list)
        self._by_stem: dict[tuple[str, str], list[FileEntry]] = defaultdict(list)
        self._by_number: dict[str, FileEntry] = {}
        for entry in entries:
            for name in entry.ids:
                self._by_id[name].append(entry)
            if entry.video and entry.question:
                self._by_question[entry.video, question_key(entry.question)].append(entry)
                self._by_stem[entry.video, stem_key(entry.question)].append(entry)
            # a number says nothing where a file holds several tasks, or names its questions
            if entry.doc_id is not None and not entry.question:
                self._by_number[str(entry.doc_id)] = entry
        self.num_numbered = len(self._by_number)

    def find(self, wanted: Wanted) -> FileEntry | None:
        """Raises:
        InputError: several entries fit and name different frames, or the numbers are of another set of documents.
        """
        video = video_key(wanted.video)
        # ids count from 0 again in every video of some data sets
        named = [entry for name in wanted.ids for entry in self._by_id.get(name, ()) if entry.video in (None, video)]
        found = (
            named
            or self._by_question.get((video, question_key(wanted.query)))
            or self._by_stem.get((video, stem_key(wanted.query)))
        )
        return self._only(found, wanted) if found else self._numbered(wanted, video=video)

    def _only(self, found: Sequence[FileEntry], wanted: Wanted) -> FileEntry:
        """A question that was asked again stands in our own files again; the last one counts."""
        of_document = [one for one in found if (one.task, str(one.doc_id)) == (wanted.task, wanted.doc_id)]
        kept = of_document[-1:] or found
        if len({(one.frame_indices, one.seconds) for one in kept}) > 1:
            shown = "; ".join(str(list(one.frame_indices or one.seconds)) for one in kept[:SHOWN_OF_SEVERAL])
            raise InputError(
                f"the {self.kind} file has {len(kept)} different selections for {wanted.task} {wanted.doc_id}, "
                f"{wanted.query!r}: {shown}; its entries must name their questions apart"
            )
        return kept[-1]

    def _numbered(self, wanted: Wanted, *, video: str) -> FileEntry | None:
        entry = self._by_number.get(wanted.doc_id)
        if entry is None:
            return None
        if wanted.num_documents is not None and self.num_numbered != wanted.num_documents:
            raise InputError(
                f"the {self.kind} file counts {self.num_numbered} documents, {wanted.task} has "
                f"{wanted.num_documents}: its numbers are of another task or split"
            )
        if entry.video not in (None, video):
            raise InputError(
                f"document {wanted.doc_id} of the {self.kind} file is about {entry.video}, of {wanted.task} about "
                f"{video}: its numbers are of another task or split"
            )
        return entry
