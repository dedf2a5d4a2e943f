"""A corpus as one file: a zip of its manifest and one safetensors file a video. No engine is needed to read it."""

from __future__ import annotations

import json
import uuid
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.errors import CorpusMismatchError, DamagedCorpusError, InputError
from clamr_select.retrieval.engine import Point
from clamr_select.retrieval.manifest import Manifest
from clamr_select.retrieval.payload import REVISION, with_derived
from clamr_select.retrieval.record import from_bytes, to_bytes
from clamr_select.retrieval.schema import JOINT, POOLED, Schema
from clamr_select.retrieval.video_embeddings import point_id

if TYPE_CHECKING:
    from clamr_select.retrieval.corpus import VideoCorpus
    from clamr_select.retrieval.fixed_encoding import FixedEncoding

MANIFEST = "manifest.json"
VIDEOS = "videos/"
SUFFIX = ".safetensors"
AT_ONCE = 16
MAX_VIDEO_BYTES = 2**30
"""Of one video in a file: what claims more is refused before it is read."""


def export_corpus(corpus: VideoCorpus, path: Path) -> int:
    """See :meth:`VideoCorpus.export`."""
    if path.exists():
        raise InputError(f"{path} is there already; name another file")
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.absolute().parent} to export to; make it, or name another")
    dtype = np.float32 if corpus.schema.options.storage == "float32" else np.float16
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    count, after = 0, None
    try:
        with zipfile.ZipFile(beside, "x", compression=zipfile.ZIP_STORED, allowZip64=True) as archive:
            archive.writestr(MANIFEST, json.dumps(corpus.manifest.to_dict(), indent=1))
            while True:
                points, after = corpus.engine.scroll(after=after, limit=AT_ONCE, with_vectors=True)
                for point in points:
                    archive.writestr(f"{VIDEOS}{point.id}{SUFFIX}", to_bytes(_bare(point, dtype)))
                count += len(points)
                if after is None:
                    break
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def import_corpus(corpus: VideoCorpus, path: Path) -> int:
    """See :meth:`VideoCorpus.import_`."""
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith(VIDEOS)]
            noted = Manifest.from_dict(json.loads(archive.read(MANIFEST)), where=str(path))
            _check(corpus, noted, path)
            if noted.index_options is not None and corpus.manifest.index_options is None:
                corpus.adopt_index_options(noted.index_options)
            for start in range(0, len(names), AT_ONCE):
                points = [_read(archive, name, path) for name in names[start : start + AT_ONCE]]
                corpus.put_points([_whole(point, corpus.schema, corpus.first_stage) for point in points])
    except (zipfile.BadZipFile, zlib.error, KeyError, json.JSONDecodeError, UnicodeDecodeError, EOFError) as error:
        raise DamagedCorpusError(f"{path} is cut or changed, or no export of a library: {error}") from error
    corpus.flush()
    return len(names)


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> Point:
    if archive.getinfo(name).file_size > MAX_VIDEO_BYTES:
        raise DamagedCorpusError(f"{name} in {path} claims more than {MAX_VIDEO_BYTES} bytes")
    return from_bytes(archive.read(name), what=f"{name} in {path}")


def _bare(point: Point, dtype: type) -> Point:
    """Without what can be made again from the rest."""
    vectors: dict[str, np.ndarray] = {
        n: values.astype(dtype) for n, values in point.vectors.items() if n not in (JOINT, POOLED)
    }
    return Point(point.id, point.payload, vectors)


def _whole(point: Point, schema: Schema, first_stage: FixedEncoding) -> Point:
    if not point.vectors or set(point.vectors) - set(schema.modalities):
        raise DamagedCorpusError(f"video {point.id} holds {sorted(point.vectors)}, not some of {schema.modalities}")
    _check_point(point, schema)
    return Point(point.id, point.payload, with_derived(point.vectors, schema=schema, first_stage=first_stage))


def _check(corpus: VideoCorpus, noted: Manifest, path: Path) -> None:
    ours, theirs = corpus.schema, noted.schema
    if (ours.modalities, ours.dim) != (theirs.modalities, theirs.dim):
        raise CorpusMismatchError(
            f"{path} has {theirs.modalities} of {theirs.dim} numbers, {corpus.where} {ours.modalities} of {ours.dim}"
        )
    if theirs.options.max_tokens > ours.most_tokens:
        raise CorpusMismatchError(f"{path} has more tokens a modality than {corpus.where} can keep")
    if (None if noted.model is None else noted.model.identity) != (
        None if corpus.manifest.model is None else corpus.manifest.model.identity
    ):
        raise CorpusMismatchError(f"{path} was made with another model than {corpus.where}")
    if None not in (noted.index_options, corpus.manifest.index_options) and (
        noted.index_options != corpus.manifest.index_options
    ):
        raise CorpusMismatchError(f"the videos of {path} were indexed otherwise than those of {corpus.where}")


def _check_point(point: Point, schema: Schema) -> None:
    """What every search relies on: one wrong video would be an error of all of them.

    Raises:
        DamagedCorpusError, KeyError
    """
    payload = point.payload
    for name, tokens in point.vectors.items():
        if tokens.ndim != 2 or not len(tokens) or tokens.shape[1] != schema.dim or not np.isfinite(tokens).all():
            raise DamagedCorpusError(f"video {point.id}: {name} is not (num_tokens, {schema.dim}) of finite numbers")
    if (
        point.id != point_id(payload["video_id"])
        or payload["num_tokens"] != {name: len(tokens) for name, tokens in point.vectors.items()}
        or not isinstance(payload[REVISION], str)
        or not isinstance(payload["metadata"], dict)
    ):
        raise DamagedCorpusError(f"video {point.id} has vectors of another video, or what is known of it is damaged")
