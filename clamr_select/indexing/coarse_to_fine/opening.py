"""Skim a video once: a second time, in this process or another, the skim and its windows come from the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from clamr_select.container import check_container, is_url
from clamr_select.errors import StoreError, unknown_name
from clamr_select.indexing.cached_indexer import (
    CHANGED_TEXTS,
    CHANGED_VIDEO,
    NOT_CACHED,
    UNKNOWN_WEIGHTS,
    CacheDir,
    fetched,
    file_state,
    is_unchanged,
    open_store,
    same_files_beside,
    video_key,
)
from clamr_select.indexing.coarse_to_fine.effort import EFFORT_PLANS, Effort
from clamr_select.indexing.coarse_to_fine.file_windows import FileWindows
from clamr_select.indexing.coarse_to_fine.kept import KeptWindows, StoredWindows, skim_entry, skim_key, skim_of
from clamr_select.indexing.coarse_to_fine.parts import Skim
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.indexing.coarse_to_fine.skimmer import Skimmer, check_can_skim
from clamr_select.indexing.method import of_the_run
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.progress import Progress, Stopwatch
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selection import SelectionWarning
from clamr_select.store import Store


class SkimOpener:
    """Opens one video; made anew for each.

    Raises:
        UnknownNameError: no such effort, or ``full``, which skims nothing.
        InputError: as :func:`~clamr_select.indexing.coarse_to_fine.skimmer.check_can_skim`.
    """

    def __init__(
        self, encoder: ClamrEncoder, *, options: IndexOptions, effort: Effort, progress: Progress | None = None
    ) -> None:
        if effort not in EFFORT_PLANS:
            raise unknown_name("effort of a skim", effort, EFFORT_PLANS)
        check_can_skim(encoder, options)
        self.encoder, self.options, self.effort = encoder, options, effort
        self.plan = EFFORT_PLANS[effort]
        self.progress: Progress = progress or (lambda stage, done, total: None)

    def open(self, video: str | Path, *, cache_dir: CacheDir, allow_urls: bool = False) -> SkimmedVideo:
        """Raises: as :func:`clamr_select.indexing.cached_indexer.index_cached`."""
        if allow_urls and is_url(video):
            path, store = fetched(str(video), cache_dir=cache_dir, limits=self.options.limits)
            opened = self._stored(path, store)
            return replace(opened, skim=replace(opened.skim, method={**opened.skim.method, "url": str(video)}))
        if cache_dir is None:
            return self._unstored(video)
        try:
            store = open_store(cache_dir)
        except StoreError as error:
            if cache_dir != "auto":
                raise
            return self._unstored(video, [(NOT_CACHED, str(error))])
        return self._stored(video, store)

    def _stored(self, video: str | Path, store: Store) -> SkimmedVideo:
        store.take_warnings()  # of another video, where a store is shared
        watch = Stopwatch()
        with watch.stage("load"):
            check_container(video, limits=self.options.limits)
            state = file_state(video)
            index = video_key(video, encoder=self.encoder, options=self.options)
            if index is None:
                return self._unstored(video, [(NOT_CACHED, UNKNOWN_WEIGHTS)])
            key = skim_key(index, self.plan)
            entry = store.get(key)
        if entry is None:
            skim = self._skim(video, store=store)
            if not is_unchanged(video, state):
                return self._with(self._windows(video, skim, state), skim, video, [(NOT_CACHED, CHANGED_VIDEO)])
            if not same_files_beside(index, video, options=self.options):
                return self._with(self._windows(video, skim, state), skim, video, [(NOT_CACHED, CHANGED_TEXTS)])
            store.put(
                key,
                skim_entry(skim, encoder=self.encoder, precision=self.options.precision),
                label=Path(video).name,
            )
        else:
            skim = skim_of(entry, encoder=self.encoder, timings_seconds=watch.seconds)
            skim = replace(skim, method={**skim.method, **of_the_run(self.options)})
        windows = StoredWindows(self._windows(video, skim, state), store=store, index=index, label=Path(video).name)
        return self._with(windows, skim, video, store.take_warnings())

    def _unstored(self, video: str | Path, warnings: Iterable[tuple[str, str]] = ()) -> SkimmedVideo:
        check_container(video, limits=self.options.limits)
        state = file_state(video)
        skim = self._skim(video)
        return self._with(self._windows(video, skim, state), skim, video, warnings)

    def _skim(self, video: str | Path, store: Store | None = None) -> Skim:
        skimmer = Skimmer(self.encoder, options=self.options, plan=self.plan, progress=self.progress)
        return skimmer.skim(video, store=store)

    def _windows(self, video: str | Path, skim: Skim, state: tuple[int, int, int]) -> FileWindows:
        return FileWindows(
            video, skim=skim, encoder=self.encoder, options=self.options, progress=self.progress, state=state
        )

    def _with(
        self,
        windows: FileWindows | StoredWindows,
        skim: Skim,
        video: str | Path,
        warnings: Iterable[tuple[str, str]],
    ) -> SkimmedVideo:
        noted = tuple(SelectionWarning(*warning) for warning in warnings)
        return SkimmedVideo(
            video=str(video),
            effort=self.effort,
            plan=self.plan,
            skim=replace(skim, warnings=(*skim.warnings, *noted)),
            source=KeptWindows(windows),
            encoder=self.encoder,
            precision=self.options.precision,
        )
