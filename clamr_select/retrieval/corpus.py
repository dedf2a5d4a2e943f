"""``VideoCorpus``: which video, and where in it?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from clamr_select.errors import CorpusError, CorpusNotFoundError, InputError
from clamr_select.retrieval.adding import AddReport, older_contents, put_in
from clamr_select.retrieval.asking import question_vectors
from clamr_select.retrieval.engine import Engine, Point
from clamr_select.retrieval.filters import parse_filters
from clamr_select.retrieval.making import bound_options, check_same, new_manifest
from clamr_select.retrieval.manifest import Manifest, ModelNote
from clamr_select.retrieval.opening import InProcess, Opened, is_server, open_folder, open_server
from clamr_select.retrieval.payload import metadata_payload, stored_video, to_point
from clamr_select.retrieval.results import Mode, SearchResult, StoredVideo
from clamr_select.retrieval.schema import CorpusOptions, Schema
from clamr_select.retrieval.searching import (
    Asked,
    check_modalities,
    choose_mode,
    choose_similarity,
    run_search,
)
from clamr_select.retrieval.server import ServerOptions
from clamr_select.retrieval.shared_lock import SharedLock
from clamr_select.retrieval.video_embeddings import VideoEmbeddings, point_id

if TYPE_CHECKING:
    import torch

    from clamr_select.indexing.cached_indexer import CacheDir
    from clamr_select.indexing.options import IndexOptions
    from clamr_select.retrieval.files import VideoFile
    from clamr_select.scoring.maxsim import Similarity
    from clamr_select.selector import FrameSelector

SCROLL = 256
MAX_TOP_K = 2**31 - 1


class VideoCorpus:
    """Videos that can be searched by what is seen, said and written in them. Made by :meth:`open`.

    Searches may run in many threads, also while videos are added. An embedded corpus is held by one process at a time.

    Example:
        >>> corpus = VideoCorpus.open("library", selector=FrameSelector.from_pretrained("clamr-nano"))  # doctest: +SKIP
        >>> corpus.add(["talk.mp4", "lecture.mp4"])  # doctest: +SKIP
        >>> corpus.search("Who signs the treaty?").hits[0].video.path  # doctest: +SKIP
    """

    def __init__(
        self,
        opened: Opened,
        *,
        selector: FrameSelector | None,
        cache_dir: CacheDir,
    ) -> None:
        self._opened = opened
        self._engine: Engine | None = opened.engine
        self.manifest: Manifest = opened.manifest
        self.schema: Schema = opened.manifest.schema
        self.selector = selector
        self.cache_dir = cache_dir
        self._given_options: Mapping[str, Any] | None = None
        self._index_options: IndexOptions | None = None
        self.first_stage = opened.manifest.first_stage
        self._writing = threading.RLock()
        self._shared = SharedLock()

    @classmethod
    def open(
        cls,
        location: str | Path,
        *,
        selector: FrameSelector | None = None,
        options: CorpusOptions | Mapping[str, Any] | None = None,
        schema: Schema | None = None,
        deployment: InProcess | None = None,
        server: ServerOptions | None = None,
        index_options: Mapping[str, Any] | None = None,
        cache_dir: CacheDir = "auto",
        must_exist: bool = False,
    ) -> VideoCorpus:
        """A corpus in a folder, or on a server; one that is not there yet is made, and needs a selector.

        Args:
            location: a folder (Qdrant's engine in this process), or the ``http(s)://`` URL of a Qdrant server.
            selector: its model indexes videos and encodes questions. None opens a corpus to be searched by vectors.
            options: of a new corpus; of one that is there they must be the same, and may be left out. A mapping holds
                some fields of :class:`CorpusOptions` alone: the others are the defaults of a new corpus, and whatever
                they are of one that is there.
            schema: of a new corpus for vectors that come from elsewhere, instead of ``selector`` and ``options``.
            deployment: ``local`` makes a folder for the client's own engine, where the embedded one has no wheel:
                slow, and all in memory. A folder stays what it was made as.
            server: collection, key, time-out; shards and replicas of a new collection.
            index_options: how videos are indexed: fields of :class:`clamr_select.indexing.options.IndexOptions`. All
                videos of a corpus share them; of those left out, its first video's are used.
            cache_dir: where the frames' embeddings are kept, as of ``FrameSelector.index``.
            must_exist: make none.

        Raises:
            CorpusNotFoundError: there is none, and none was to be made.
            CorpusMismatchError: it was made with another model, other options, another schema or deployment.
            CorpusBusyError: another process holds the folder.
            CorpusServerError: the server cannot be reached.
            DamagedCorpusError: its files cannot be read.
            MissingDependencyError: the package of the deployment is not installed.
            InputError: arguments that do not go together.
        """
        if is_server(location):
            if deployment is not None:
                raise InputError(f"deployment={deployment!r} is for a folder; {location} is a server")
        elif server is not None:
            raise InputError(f"server options are for a URL, got the folder {str(location)!r}")
        if schema is not None and (selector is not None or options is not None):
            raise InputError("give schema for vectors from elsewhere, or selector and options; not both")
        note = None if selector is None else ModelNote.of(selector.encoder)
        whole = CorpusOptions.of(options)
        new = None if must_exist else new_manifest(selector, note, whole, schema)
        if is_server(location):
            opened = open_server(str(location), options=server or ServerOptions(), new=new)
        else:
            opened = open_folder(Path(location), deployment=deployment, new=new)
        try:
            check_same(opened, note=note, options=options, schema=schema)
            corpus = cls(opened, selector=selector, cache_dir=cache_dir)
            if selector is not None:
                corpus._given_options = index_options
                corpus._index_options = bound_options(opened.manifest, index_options, where=opened.where)
        except BaseException:
            try:
                opened.engine.close()
            finally:
                opened.release()
            raise
        return corpus

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.engine.count()

    def __contains__(self, video_id: str) -> bool:
        return bool(self.held([video_id]))

    def held(self, video_ids: Iterable[str]) -> set[str]:
        """Those of some ids whose videos are there."""
        return set(self.paths(video_ids))

    def paths(self, video_ids: Iterable[str]) -> dict[str, str | None]:
        """Those of some ids whose videos are there, and where their files lay."""
        found: dict[str, str | None] = {}
        waiting = iter(video_ids)
        while some := list(islice(waiting, SCROLL)):
            points = self.engine.retrieve([point_id(video_id) for video_id in some])
            found |= {point.payload["video_id"]: point.payload.get("path") for point in points}
        return found

    @property
    def engine(self) -> Engine:
        """What holds the vectors.

        Raises:
            CorpusError: the corpus was closed.
        """
        if self._engine is None:
            raise CorpusError(f"the library {self.where} was closed; open it again")
        return self._engine

    @property
    def where(self) -> str:
        """The folder, or the URL and collection."""
        return self._opened.where

    @property
    def folder(self) -> Path | None:
        """None on a server."""
        return self._opened.folder

    @property
    def index_options(self) -> IndexOptions:
        """How videos are indexed into it.

        Raises:
            InputError: it was opened without a selector.
        """
        if self._index_options is None:
            raise InputError(f"{self.where} was opened without a selector; open it with one to index videos")
        return self._index_options

    def close(self) -> None:
        """Flush, and let other processes in; a second time does nothing."""
        if self._engine is None:
            return
        try:
            self._engine.close()
        finally:
            self._engine = None
            self._opened.release()

    def flush(self) -> None:
        """What was added is on disk when this returns; also done by :meth:`close`."""
        self.engine.flush()

    def optimize(self) -> None:
        """Build the first stage's graph and the codes, where the engine does not by itself: after many additions."""
        self.engine.optimize()

    def add(self, videos: Iterable[str | Path | VideoFile | VideoEmbeddings]) -> AddReport:
        """Index videos and put them in. What is there already, by content, is left as it is, but where its file is
        gone, or another one by now, the new path is noted; a file whose content has changed replaces what it was. To
        index many, ``clamr-select index`` uses several processes.

        Raises:
            InputError: one string instead of a list, or a corpus without a selector, and files.
            VideoError, ContextError, StoreError: as ``FrameSelector.index``; videos before it are in.
        """
        return put_in(self, videos, replace=False)

    def update(self, videos: Iterable[str | Path | VideoFile | VideoEmbeddings]) -> AddReport:
        """As :meth:`add`, but videos that are there are written anew, with their new metadata.

        Raises:
            As :meth:`add`.
        """
        return put_in(self, videos, replace=True)

    def put(self, videos: Sequence[VideoEmbeddings]) -> list[str]:
        """Write videos that are embedded already, each in place of what has its id, or lay at its path; of several with
        one path, the last.

        Returns:
            Ids of older contents of the same files, which are gone.

        Raises:
            InputError: a video does not fit the schema.
        """
        last = {video.path: video for video in videos if video.path is not None}
        videos = [video for video in videos if video.path is None or last[video.path] is video]
        points = [to_point(video, schema=self.schema, first_stage=self.first_stage) for video in videos]
        written = {video.video_id for video in videos}
        with self._writing:
            lay_there = older_contents(self.engine, {path: video.video_id for path, video in last.items()})
            # one that is written now lies elsewhere from now on
            older = [point for point in lay_there if point.payload["video_id"] not in written]
            with self._shared.write():
                self.engine.upsert(points)
                self.engine.delete([point.id for point in older])
        return [point.payload["video_id"] for point in older]

    def put_points(self, points: Sequence[Point]) -> None:
        """Write points of the engine as they are, each in place of what has its id."""
        with self._writing, self._shared.write():
            self.engine.upsert(points)

    def delete(self, video_ids: Iterable[str]) -> None:
        """
        Raises:
            CorpusNotFoundError: one is not there; then none is deleted.
        """
        ids = [video_ids] if isinstance(video_ids, str) else list(video_ids)
        with self._writing:
            for video_id in ids:
                self.get(video_id)
            with self._shared.write():
                self.engine.delete([point_id(video_id) for video_id in ids])

    def set_metadata(self, video_id: str, *, metadata: Mapping[str, Any]) -> None:
        """Replace what a video can be filtered by; its vectors stay.

        Raises:
            CorpusNotFoundError: there is no such video.
            InputError: it is not JSON.
        """
        with self._writing:
            self.get(video_id)
            payload = metadata_payload(metadata, what=f"video {video_id!r}")
            with self._shared.write():
                self.engine.set_payload(payload, id=point_id(video_id))

    def set_path(self, video_id: str, *, path: str) -> list[str]:
        """Note where a video's file lies now; the rest of it stays.

        Returns:
            Ids of older contents of that path, which are gone, as after :meth:`put`.

        Raises:
            CorpusNotFoundError: there is no such video.
        """
        with self._writing:
            self.get(video_id)
            older = older_contents(self.engine, {path: video_id})
            with self._shared.write():
                self.engine.set_payload({"path": path}, id=point_id(video_id))
                self.engine.delete([point.id for point in older])
        return [point.payload["video_id"] for point in older]

    def delete_older(self, path: str, *, video_id: str) -> list[str]:
        """Take out what else lay at a path where a video's bytes lie now.

        Returns:
            Its ids, as after :meth:`put`.
        """
        with self._writing:
            older = older_contents(self.engine, {path: video_id})
            if older:
                with self._shared.write():
                    self.engine.delete([point.id for point in older])
        return [point.payload["video_id"] for point in older]

    def get(self, video_id: str) -> StoredVideo:
        """
        Raises:
            CorpusNotFoundError: there is no such video.
        """
        found = self.engine.retrieve([point_id(video_id)])
        if not found:
            raise CorpusNotFoundError(f"there is no video {video_id!r} in {self.where}")
        return stored_video(found[0].payload)

    def videos(self, *, filters: Mapping[str, Any] | None = None) -> Iterator[StoredVideo]:
        """All videos, or those that fit, in a fixed order."""
        conditions, after = parse_filters(filters), None
        while True:
            points, after = self.engine.scroll(conditions=conditions, after=after, limit=SCROLL)
            yield from (stored_video(point.payload) for point in points)
            if after is None:
                return

    def search(
        self,
        query: str | np.ndarray | torch.Tensor,
        *,
        top_k: int = 10,
        modalities: Sequence[str] | None = None,
        filters: Mapping[str, Any] | None = None,
        similarity: Similarity | None = None,
        mode: Mode | Literal["auto"] = "auto",
    ) -> SearchResult:
        """The videos that answer a question, best first.

        Args:
            query: a question, or its (num_tokens, dim) vectors.
            top_k: videos to return at most.
            modalities: search by these alone; None takes all.
            filters: see :mod:`clamr_select.retrieval.filters`.
            similarity: None is ``token_max`` where the engine can tell it exactly (all modalities, or one), else
                ``modality_max``; the result says which.
            mode: ``auto`` compares every video up to 20,000, and works in two stages beyond; the result says which.

        Raises:
            InputError, UnknownNameError: an argument is wrong.
            CorpusMismatchError: a question as text, and the corpus has no model.
            CorpusChangedError, CorpusServerError
        """
        if not isinstance(top_k, int | np.integer) or not 1 <= top_k <= MAX_TOP_K:
            raise InputError(f"top_k must be at least 1, whole, and at most {MAX_TOP_K}, got {top_k!r}")
        modalities = check_modalities(modalities, schema=self.schema)
        similarity = choose_similarity(similarity, modalities=modalities, schema=self.schema)
        conditions = parse_filters(filters)
        num_videos = len(self)
        chosen = choose_mode(mode, num_videos=num_videos, schema=self.schema)
        started = time.perf_counter()
        vectors, warnings = question_vectors(query, selector=self.selector, dim=self.schema.dim, where=self.where)
        encoded = time.perf_counter()
        asked = Asked(vectors, modalities, similarity, chosen, top_k, conditions)
        with self._shared.look():
            hits = run_search(self.engine, asked, schema=self.schema, first_stage=self.first_stage)
        seconds = {"encode_question": encoded - started, "search": time.perf_counter() - encoded}
        question = query if isinstance(query, str) else None
        return SearchResult(question, tuple(hits), similarity, chosen, num_videos, warnings, seconds)

    def locate(
        self,
        query: str,
        *,
        top_k: int = 5,
        num_frames: int = 4,
        index_missing: bool = False,
        modalities: Sequence[str] | None = None,
        filters: Mapping[str, Any] | None = None,
        search_similarity: Similarity | None = None,
        mode: Mode | Literal["auto"] = "auto",
        **options: Any,
    ) -> SearchResult:
        """The best videos, and the best frames inside each: ``hit.moments``, from the store of embeddings.

        Args:
            num_frames: of each video.
            index_missing: index a video anew whose frames are no longer in the store; else its moments are None, and a
                warning names it.
            modalities: that are searched, and score frames.
            search_similarity: of videos, as ``similarity`` of :meth:`search`; ``similarity`` itself is that of frames.
            **options: of ``IndexedVideo.select``: policy, budgets, …

        Raises:
            As :meth:`search`; InputError without a selector.
        """
        from clamr_select.retrieval.moments import add_moments

        if self.selector is None:
            raise InputError(f"{self.where} was opened without a selector, which moments need; open it with one")
        result = self.search(
            query, top_k=top_k, modalities=modalities, filters=filters, similarity=search_similarity, mode=mode
        )
        return add_moments(
            result,
            encoder=self.selector.encoder,
            cache_dir=self.cache_dir,
            index_options=self.index_options if index_missing else None,
            select={"num_frames": num_frames, "modalities": modalities, **options},
        )

    def export(self, path: str | Path) -> int:
        """Write everything to one portable file, readable without an engine; how many videos it holds.

        Raises:
            InputError: there is such a file already, or no such folder.
        """
        from clamr_select.retrieval.portable import export_corpus

        return export_corpus(self, Path(path))

    def import_(self, path: str | Path) -> int:
        """Take in what :meth:`export` wrote, in place of videos with the same ids; how many they were.

        Raises:
            CorpusMismatchError: it is of another model, or has other modalities.
            DamagedCorpusError: the file cannot be read; videos before the damage are in.
        """
        from clamr_select.retrieval.portable import import_corpus

        return import_corpus(self, Path(path))

    def note_index_options(self) -> None:
        """Bind the corpus to how its videos are indexed; to be called before the first is.

        Raises:
            CorpusMismatchError: they were indexed otherwise.
        """
        with self._writing:
            noted = self.manifest.with_index_options(self.index_options, where=self.where)
            self.save_manifest(noted)

    def adopt_index_options(self, noted: Mapping[str, Any]) -> None:
        """Index videos as those are that come from another corpus; this one has none yet.

        Raises:
            CorpusMismatchError: it was opened with others.
        """
        with self._writing:
            manifest = replace(self.manifest, index_options=dict(noted))
            if self.selector is not None:
                self._index_options = bound_options(manifest, self._given_options, where=self.where)
            self.save_manifest(manifest)

    def save_manifest(self, manifest: Manifest) -> None:
        """Write it where it changed."""
        if manifest != self.manifest:
            self._opened.save_manifest(manifest)
            self.manifest = manifest
