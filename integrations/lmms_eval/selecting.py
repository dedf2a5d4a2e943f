"""Where selections come from while an evaluation runs: a CLaMR model, one video after the other."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.options import REVISION_START, SamplerOptions, revision_name
from clamr_select.selection import Selection, SelectionWarning

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """One selection that is asked for."""

    video: str
    query: str
    num_moments: int
    """Distinct frames."""
    subtitles: str | None = None
    keep_last: bool = False
    task: str = ""
    doc_id: str = ""
    ids: tuple[str, ...] = ()
    """What the document calls its question."""
    num_documents: int | None = None
    """Of the task, for files that count them."""


class SelectionSource(Protocol):
    """Makes or finds selections."""

    def select(self, wanted: Sequence[Wanted]) -> list[Selection]:
        """One selection each, in order; all of one video at once are cheapest."""
        ...

    def release(self) -> None:
        """Give back the memory of whatever was loaded; the next call loads it again."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """What made the selections, for the record."""
        ...


class ModelSource:
    """Selects with a CLaMR model, loaded when first needed. Not for several threads at once."""

    def __init__(self, options: SamplerOptions) -> None:
        self.options = options
        self._selector: Any = None
        self._rev: str | None = None

    def select(self, wanted: Sequence[Wanted]) -> list[Selection]:
        """Raises:
        ModelError, VideoError, ContextError, InputError: as ``FrameSelector``.
        """
        made: dict[Wanted, Selection] = {}
        for video, subtitles in dict.fromkeys((one.video, one.subtitles) for one in wanted):
            of_video = [one for one in dict.fromkeys(wanted) if (one.video, one.subtitles) == (video, subtitles)]
            spoken = None if self.options.subtitles == "none" else subtitles or "auto"
            indexed = self._opened(video, subtitles=spoken)
            for num_moments in dict.fromkeys(one.num_moments for one in of_video):
                alike = [one for one in of_video if one.num_moments == num_moments]
                queries = list(dict.fromkeys(one.query for one in alike))
                found = indexed.select(queries, num_frames=num_moments, **self.options.select_options())
                by_query = dict(zip(queries, found, strict=True))
                made |= {one: with_last(by_query[one.query]) if one.keep_last else by_query[one.query] for one in alike}
        return [made[one] for one in wanted]

    def release(self) -> None:
        import gc

        import torch

        self._selector = None
        # modules and their hooks hold one another
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.options.model, "rev": self._rev}

    def _opened(self, video: str, *, subtitles: str | None) -> Any:
        """Indexed, or looked at here and there."""
        selector, effort = self._loaded(), self.options.effort
        how = {"subtitles": subtitles, "cache_dir": self.options.store or "auto", **self.options.index_options()}
        return selector.index(video, **how) if effort == "full" else selector.skim(video, effort=effort, **how)

    def _loaded(self) -> Any:
        from clamr_select.selector import FrameSelector

        if self._selector is None:
            given = {
                "base": self.options.model_base,
                "quantization": self.options.quantization,
                "revision": self.options.model_revision,
            }
            self._selector = FrameSelector.from_pretrained(
                str(self.options.model),
                device=self.options.device,
                compat=self.options.compat,
                **{name: value for name, value in given.items() if value is not None},
            )
            self._rev = model_revision(self._selector.encoder)
            check_revision(self._rev, wanted=self.options.rev, of=f"clamr_model={self.options.model}")
        return self._selector


def model_revision(encoder: Any) -> str | None:
    """Short name of weights, config and processor; None where a part of the weights is not in memory."""
    from clamr_select.model.identity import encoder_identity

    identity = encoder_identity(encoder)
    if identity is None:
        return None
    kept = {name: identity[name] for name in ("weights", "config", "processor")}
    return revision_name(json.dumps(kept, sort_keys=True).encode())


def check_revision(found: str | None, *, wanted: str | None, of: str) -> None:
    """Raises:
    InputError: another revision was asked for; the letter in front may be left out, as it was in older ones.
    lmms-eval's response cache knows names, not what they stand for.
    """
    if wanted is None:
        logger.info(
            "%s is revision %s; with --use_cache say so, clamr_rev=%s: its key holds names only", of, found, found
        )
    elif found is None or wanted.removeprefix(REVISION_START) != found.removeprefix(REVISION_START):
        raise InputError(f"{of} is of revision {found}, clamr_rev={wanted} was asked for; answers are not comparable")


def with_last(selection: Selection) -> Selection:
    """The selection with the last frame of the video in it, in place of the frame that scored least."""
    from clamr_select.video import open_video

    with open_video(selection.video) as reader:
        last, seconds = reader.info.num_frames - 1, float(reader.timestamps_seconds[-1])
    if not len(selection) or last in selection.frame_indices:
        return selection
    lowest = min(range(len(selection)), key=lambda position: selection.scores[position])
    kept = [position for position in range(len(selection)) if position != lowest]
    return replace(
        selection,
        frame_indices=(*(selection.frame_indices[p] for p in kept), last),
        timestamps_seconds=(*(selection.timestamps_seconds[p] for p in kept), seconds),
        scores=(*(selection.scores[p] for p in kept), selection.scores[lowest]),
        modality=(*(selection.modality[p] for p in kept), "none"),
        scores_by_modality={
            name: (*(values[p] for p in kept), None) for name, values in selection.scores_by_modality.items()
        },
        text=(*(selection.text[p] for p in kept), {}),
        method={**selection.method, "kept_last": True},
        warnings=(
            *selection.warnings,
            SelectionWarning(
                "kept_last", f"the question is about the last frame, at {seconds:.2f} s; it was not scored"
            ),
        ),
    )
