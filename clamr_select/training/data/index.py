"""All rows of a source, each checked once; only numbers, ids, joined queries and who answers what stay in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.data.answers import QuestionName, question_names, shared_answers
from clamr_select.training.data.asked import AskedQuery, plain_video_id
from clamr_select.training.data.report import BadRow, OnBadRow, check_on_bad_row, raise_if_bad, summary
from clamr_select.training.data.rows import VideoRow, parse_row
from clamr_select.training.data.sources import RowSource


class RowIndex:
    """The rows of a source that can be trained on, by number; rows are read again when they are asked for.

    Args:
        source: raw rows.
        asked: queries from another file, joined by video id (with or without ``train_``); then the rows' own are
            not read, and a video without one is no row.
        needs_query: False for rows of videos that nobody asks about.
        on_bad_row: ``error`` refuses a source with a bad row, naming the first and the number of them; ``skip``
            leaves them out and keeps them in ``bad_rows``.

    Raises:
        InputError: bad rows, or no good one.
    """

    def __init__(
        self,
        source: RowSource,
        *,
        asked: Sequence[AskedQuery] | None = None,
        bad_queries: Sequence[BadRow] = (),
        needs_query: bool = True,
        on_bad_row: OnBadRow = "error",
    ) -> None:
        check_on_bad_row(on_bad_row)
        self._source = source
        self._needs_query = needs_query and asked is None
        self.bad_rows: list[BadRow] = list(bad_queries)
        content = hashlib.sha256()
        numbers, video_ids, names = self._check_all(content)
        self._asked: list[AskedQuery] | None = None
        num_read = len(source)
        if asked is not None:
            num_read += len(asked) + len(bad_queries)
            numbers, self._asked = self._join(asked, dict(zip(video_ids, numbers, strict=True)))
            video_ids = [query.video_id for query in self._asked]
            names = [question_names(query.queries) for query in self._asked]
            for query in self._asked:
                content.update(repr((query.video_id, query.queries, query.target)).encode())
        self._numbers = numbers
        self.video_ids = [plain_video_id(video_id) for video_id in video_ids]
        self._answers = shared_answers(names, video_ids=self.video_ids)
        self.digest = content.hexdigest()[:16]
        """Of all that is read of the rows and their questions, in their order; whatever the files are called."""
        self.num_read = num_read
        """Rows, and queries from another file, good and bad."""
        raise_if_bad(self.bad_rows, num_rows=num_read, on_bad_row=on_bad_row)
        if not numbers:
            raise InputError(f"none of {num_read} rows can be trained on; {summary(self.bad_rows, num_rows=num_read)}")

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, position: int) -> VideoRow:
        number = self._numbers[position]
        row = parse_row(self._source[number], place=self._source.place(number), needs_query=self._needs_query)
        if self._asked is None:
            return row
        return row.asked(self._asked[position].queries, target=self._asked[position].target)

    def answers(self, position: int, *, query: str, query_id: str) -> tuple[str, ...]:
        """Ids of all videos that answer a question of the row, here or in any other row, sorted.

        The same question has the same ``query_id``, or the same words whatever their case and spaces.
        """
        shared = [self._answers.get(name, ()) for name in question_names([query], query_id=query_id)]
        return tuple(sorted({self.video_ids[position]}.union(*shared)))

    def _check_all(self, content: hashlib._Hash) -> tuple[list[int], list[str], list[list[QuestionName]]]:
        """Numbers, video ids and questions of the good rows, which ``content`` takes in."""
        numbers, video_ids, names = [], [], []
        for number in range(len(self._source)):
            try:
                row = parse_row(self._source[number], place=self._source.place(number), needs_query=self._needs_query)
            except BadRowError as error:
                self.bad_rows.append(BadRow.of(error))
            else:
                numbers.append(number)
                video_ids.append(row.video_id)
                names.append(question_names(row.queries, query_id=row.query_id))
                content.update(repr(replace(row, name="")).encode())
        return numbers, video_ids, names

    def _join(self, asked: Sequence[AskedQuery], number_of_video: dict[str, int]) -> tuple[list[int], list[AskedQuery]]:
        number_of_plain = {plain_video_id(video_id): number for video_id, number in number_of_video.items()}
        numbers, joined = [], []
        for query in asked:
            number = number_of_video.get(query.video_id, number_of_plain.get(plain_video_id(query.video_id)))
            if number is None:
                self.bad_rows.append(BadRow(query.place, "no row has this video id"))
            else:
                numbers.append(number)
                joined.append(query)
        return numbers, joined
