"""``FrameSelector``: the front door. A video and a question go in; the frames that answer come out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, overload

import torch

from clamr_select.errors import InputError
from clamr_select.indexing.asking import as_questions, check_select_options, with_tuples
from clamr_select.indexing.cached_indexer import CacheDir, index_cached
from clamr_select.indexing.coarse_to_fine.effort import Effort, check_effort
from clamr_select.indexing.coarse_to_fine.opening import SkimOpener
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.indexer import Indexer
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.presets import preset as named_preset
from clamr_select.indexing.presets import record
from clamr_select.indexing.progress import Progress
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.reference_labels import Compat
from clamr_select.selection import Selection

logger = logging.getLogger(__name__)

INDEX_OPTIONS = frozenset(option.name for option in fields(IndexOptions))
OF_THE_RUN = frozenset({"progress", "cache_dir", "allow_urls"})
"""Of :meth:`FrameSelector.index`; they do not change what comes out."""


class FrameSelector:
    """Selects the frames of a video that answer a question, by what is seen, said and written.

    Example:
        >>> selector = FrameSelector.from_pretrained("clamr-nano")  # doctest: +SKIP
        >>> selection = selector.select("talk.mp4", "Who signs the treaty?", num_frames=8)  # doctest: +SKIP
        >>> selection.timestamps_seconds  # doctest: +SKIP

    Args:
        encoder: a CLaMR model with its processor.
    """

    def __init__(self, encoder: ClamrEncoder) -> None:
        self.encoder = encoder

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str,
        *,
        device: str = "auto",
        dtype: str | torch.dtype = "auto",
        revision: str | None = None,
        compat: Compat | None = None,
        **options: Any,
    ) -> FrameSelector:
        """Load a model: ``clamr-nano`` (embedded), a directory, or a hub id; whole, or a LoRA adapter.

        Args:
            device: ``auto`` (the GPU where there is one), ``cpu``, ``cuda[:N]`` or ``mps``.
            dtype: ``auto``, or a torch dtype.
            revision: of the hub repository.
            compat: ``reference`` labels and scores as the released CLaMR code, for comparison with published
                numbers, each candidate as its own document (docs/compatibility.md); ``corrected`` is the default.
            **options: ``base`` (what an adapter is put on), ``quantization`` (``4bit``, ``8bit``), and transformers'
                ``attn_implementation``, ``device_map``, ``token``, …; see
                :func:`clamr_select.model.loading.load_model`.

        Raises:
            ModelNotFoundError, CheckpointError, UnsafeWeightsError: see :mod:`clamr_select.model.loading`.
        """
        encoder = ClamrEncoder.from_pretrained(
            name_or_path, device=device, dtype=dtype, revision=revision, compat=compat, **options
        )
        return cls(encoder)

    def index(
        self,
        video: str | Path,
        *,
        preset: str | None = None,
        progress: Progress | None = None,
        cache_dir: CacheDir = "auto",
        allow_urls: bool = False,
        **options: Any,
    ) -> IndexedVideo:
        """Decode, read and encode a video once; the result answers many questions, and is kept on disk.

        Args:
            video: a local file; a URL with ``allow_urls``.
            preset: a name in ``clamr_select.indexing.presets.PRESETS``; options given here override it.
            progress: called with (stage, done, total).
            cache_dir: where the index is kept, and looked for first: under the same bytes, options and weights it is
                neither decoded nor encoded again. ``auto`` is ``$CLAMR_SELECT_CACHE`` or the user's cache folder; a
                folder; a :class:`clamr_select.store.Store`; None keeps nothing. See docs/store.md.
            allow_urls: take an http or https URL of the public internet too; it is downloaded into the cache, and no
                decoder sees it.
            **options: fields of :class:`clamr_select.indexing.options.IndexOptions`, e.g. ``candidate_fps=1``,
                ``subtitles="talk.srt"``, ``ocr="off"``, ``title="…"``.

        Raises:
            VideoError, ContextError: see :class:`clamr_select.indexing.indexer.Indexer`.
            InputError: an option that does not exist, is out of range or of another kind.
            UnsafeUrlError, FetchError: see :func:`clamr_select.fetch.fetch`.
            StoreError: ``cache_dir`` is a file, another user's, or writable for everyone.
        """
        indexer = Indexer(self.encoder, options=self._index_options(options, preset), progress=progress)
        return index_cached(indexer, video, cache_dir=cache_dir, allow_urls=allow_urls)

    def skim(
        self,
        video: str | Path,
        *,
        effort: Effort = "fast",
        preset: str | None = None,
        progress: Progress | None = None,
        cache_dir: CacheDir = "auto",
        allow_urls: bool = False,
        **options: Any,
    ) -> SkimmedVideo:
        """Look at a part of a video; each question then has the windows encoded that may answer it.

        Cheaper than :meth:`index` for a few questions about a long video, and may miss what is shown for less than a
        few candidates: docs/performance.md has both in figures. What was asked before does not change an answer.

        Args:
            effort: ``fast``, one candidate in four and at most 192 windows a question; ``balanced``, one in two
                and 384.
            **options: as :meth:`index`; a model that hears must be told not to (``audio="off"``).

        Raises:
            As :meth:`index`; UnknownNameError for another effort.
        """
        opener = SkimOpener(
            self.encoder, options=self._index_options(options, preset), effort=effort, progress=progress
        )
        return opener.open(video, cache_dir=cache_dir, allow_urls=allow_urls)

    @overload
    def select(self, video: str | Path, question: str, *, effort: Effort = "full", **options: Any) -> Selection: ...

    @overload
    def select(
        self, video: str | Path, question: Sequence[str], *, effort: Effort = "full", **options: Any
    ) -> list[Selection]: ...

    def select(
        self,
        video: str | Path,
        question: str | Sequence[str],
        *,
        effort: Effort = "full",
        preset: str | None = None,
        **options: Any,
    ) -> Selection | list[Selection]:
        """The frames of ``video`` that answer ``question``; for several questions, one selection each.

        Args:
            effort: ``full`` encodes every candidate; ``fast`` and ``balanced`` encode some (:meth:`skim`), and
                ``Selection.method`` says how many.
            preset: ``as_published`` for the paper's use on long video: 768 candidates, each its own document of
                frame and speech, and the best 100. Options given here override it; ``Selection.method`` says both.
            **options: those of :meth:`index`, and those of ``IndexedVideo.select`` (``num_frames``, ``policy``,
                ``similarity``, ``modalities``, and the policy's parameters).

        Raises:
            As :meth:`index` and ``IndexedVideo.select``.
        """
        check_effort(effort)
        questions = as_questions(question)
        chosen = named_preset(preset)
        index_options = {name: value for name, value in options.items() if name in INDEX_OPTIONS | OF_THE_RUN}
        select_options = with_tuples({name: value for name, value in options.items() if name not in index_options})
        # before the minutes of decoding: what is wrong with the question or an option is known at once
        check_select_options({**chosen.select, **select_options}, modalities=self.encoder.modalities)
        self.encoder.encode_query(questions)
        indexed: IndexedVideo | SkimmedVideo
        if effort == "full":
            indexed = self.index(video, preset=preset, **index_options)
        else:
            indexed = self.skim(video, effort=effort, preset=preset, **index_options)
        wanted = question if isinstance(question, str) else questions
        selected = indexed.select(wanted, **{**chosen.select, **select_options})
        if preset is None:
            return selected
        noted = record(preset, given={**index_options, **select_options})
        if isinstance(selected, Selection):
            return replace(selected, method={**selected.method, **noted})
        return [replace(selection, method={**selection.method, **noted}) for selection in selected]

    def _index_options(self, given: dict[str, Any], preset: str | None) -> IndexOptions:
        unknown = sorted(set(given) - INDEX_OPTIONS)
        if unknown:
            raise InputError(f"no such option: {', '.join(unknown)}; allowed: {', '.join(sorted(INDEX_OPTIONS))}")
        chosen = {**named_preset(preset).index, **given}
        if self.encoder.compat != "reference":
            return IndexOptions(**chosen)
        options = IndexOptions(**{"window_candidates": 1, **chosen})
        if options.window_candidates != 1:
            raise InputError(
                "compat='reference' scores whole documents, so a frame must be one of its own: window_candidates "
                f"must be 1, its default there, got {options.window_candidates}"
            )
        return options
