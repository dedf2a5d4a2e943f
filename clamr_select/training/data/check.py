"""Every row read to its last frame, as training would, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from clamr_select.errors import BadRowError
from clamr_select.model import ClamrProcessor
from clamr_select.training.data.assemble import row_frames, row_texts
from clamr_select.training.data.budgets import TextBudgets
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.report import BadRow


@dataclass
class CheckReport:
    num_read: int
    """Rows, and queries from another file, good and bad."""
    num_videos: int = 0
    targets: Counter[str] = field(default_factory=Counter)
    """Good rows by what they ask about; ``""`` where the row does not say."""
    present: Counter[str] = field(default_factory=Counter)
    """Good rows that have a modality."""
    num_frames: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    texts_cut: Counter[str] = field(default_factory=Counter)
    """Texts past their budget, by modality; ``query`` for questions past the model's ``max_query_tokens``."""
    tokens_cut: Counter[str] = field(default_factory=Counter)

    def count_cut(self, modality: str, num_tokens: int) -> None:
        """Tokens that a text loses, 0 for one that loses none."""
        self.texts_cut[modality] += bool(num_tokens)
        self.tokens_cut[modality] += num_tokens

    def lines(self) -> Iterator[str]:
        good = sum(self.targets.values())
        yield f"{self.num_read} read, {good} good rows of {self.num_videos} videos, {len(self.bad_rows)} bad"
        yield "asked about: " + ", ".join(f"{name or 'unsaid'} {n}" for name, n in sorted(self.targets.items()))
        yield "present: " + ", ".join(f"{name} {n}" for name, n in sorted(self.present.items()))
        yield f"frames: {self.num_frames}"
        for modality, count in sorted(self.texts_cut.items()):
            yield f"cut: {self.tokens_cut[modality]} tokens of {count} {modality} texts are past their budget"
        for bad in self.bad_rows:
            yield f"bad: {bad.name}: {bad.reason}"


def check_rows(
    index: RowIndex,
    *,
    loader: FrameLoader,
    budgets: TextBudgets | None = None,
    processor: ClamrProcessor | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> CheckReport:
    """Read all rows of an index that skipped the bad ones, with their frames.

    Args:
        budgets: count what would be cut of texts.
        processor: the model's, to count what would be cut of questions.
        progress: told how many rows are done.
    """
    report = CheckReport(index.num_read, bad_rows=list(index.bad_rows))
    videos = set()
    for position in range(len(index)):
        try:
            row = index[position]
            frames = row_frames(row, loader=loader, budgets=budgets)
        except BadRowError as error:
            report.bad_rows.append(BadRow.of(error))
            continue
        finally:
            progress(position + 1)
        videos.add(index.video_ids[position])
        report.targets[row.target] += 1
        report.num_frames += len(frames)
        report.present["video"] += bool(frames)
        for modality, text in row_texts(row).items():
            report.present[modality] += bool(text)
            report.count_cut(modality, budgets.cut(text, modality=modality)[1] if budgets is not None else 0)
        for truncation in processor.process_queries(row.queries)[1] if processor is not None else ():
            report.count_cut(truncation.modality, truncation.num_tokens_cut)
    report.num_videos = len(videos)
    report.texts_cut = +report.texts_cut
    return report
