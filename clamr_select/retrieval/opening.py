"""A corpus at its place: what is there is opened, what is not is made."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from clamr_select.errors import (
    CorpusBusyError,
    CorpusError,
    CorpusMismatchError,
    CorpusNotFoundError,
    CorpusServerError,
    DamagedCorpusError,
    InputError,
)
from clamr_select.retrieval.atomic import write_bytes
from clamr_select.retrieval.edge import EdgeEngine
from clamr_select.retrieval.engine import Engine
from clamr_select.retrieval.local import LocalEngine
from clamr_select.retrieval.locking import LOCK_FILE, DirectoryLock
from clamr_select.retrieval.manifest import Manifest
from clamr_select.retrieval.server import ServerEngine, ServerOptions

InProcess = Literal["embedded", "local"]
MANIFEST_FILE = "corpus.json"
EDGE_FOLDER, LOCAL_FOLDER = "engine", "points"
_URL = re.compile(r"https?://", re.IGNORECASE)


@dataclass
class Opened:
    """What a corpus works with."""

    engine: Engine
    manifest: Manifest
    where: str
    """For messages."""
    folder: Path | None
    """None on a server."""
    save_manifest: Callable[[Manifest], None]
    release: Callable[[], None]
    """Lets others in."""


def is_server(location: str | Path) -> bool:
    return isinstance(location, str) and _URL.match(location) is not None


def open_server(url: str, *, options: ServerOptions, new: Manifest | None) -> Opened:
    """
    Args:
        new: the manifest of a collection that is not there yet; None to make none.

    Raises:
        CorpusNotFoundError: there is no such collection, or it is not one of ours.
        CorpusServerError, CorpusMismatchError, DamagedCorpusError
    """
    engine = ServerEngine.connect(url, options=options)
    where = f"{url} ({options.collection})"
    try:
        found = engine.manifest()
        if found is None:
            if new is None:
                raise CorpusNotFoundError(f"there is no library at {where}; index videos into it first")
            new = replace(new, deployment="server")
            engine.create(new.schema, manifest=new.to_dict(), options=options)
            found = new.to_dict()
        manifest = Manifest.from_dict(found, where=where)
    except CorpusServerError as error:
        engine.close()
        raise CorpusServerError(f"{where}: {error}; does a Qdrant server answer there, and is its key set?") from error
    except CorpusError:
        engine.close()
        raise
    return Opened(engine, manifest, where, None, lambda changed: engine.save_manifest(changed.to_dict()), lambda: None)


def open_folder(folder: Path, *, deployment: InProcess | None, new: Manifest | None) -> Opened:
    """
    Args:
        deployment: None is what the folder was made with, and ``embedded`` for a new one.
        new: the manifest of a corpus that is not there yet; None to make none.

    Raises:
        CorpusNotFoundError, CorpusBusyError, CorpusMismatchError, DamagedCorpusError
        CorpusError: the folder cannot be made, or not be written in.
        MissingDependencyError: the package of the deployment is not installed.
    """
    file = folder / MANIFEST_FILE
    if not file.is_file():
        if new is None:
            raise CorpusNotFoundError(f"there is no library in {folder}; index videos into it first")
        if folder.exists() and (not folder.is_dir() or _others(folder)):
            raise InputError(f"{folder} is not an empty folder, and no library; name another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = DirectoryLock(folder)
    except CorpusBusyError:  # an OSError too
        raise
    except OSError as error:
        raise CorpusError(f"{folder} cannot be made or written in: {error.strerror}; name another folder") from error
    try:
        manifest = _manifest(file, deployment=deployment, new=new)
        engine = _engine(folder, manifest)
    except BaseException:
        lock.release()
        raise
    return Opened(engine, manifest, str(folder), folder, lambda changed: _save(file, changed), lock.release)


def _manifest(file: Path, *, deployment: InProcess | None, new: Manifest | None) -> Manifest:
    if not file.is_file() and new is not None:  # another process may have made it before the lock was ours
        _save(file, replace(new, deployment=deployment or "embedded"))
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedCorpusError(f"{file} cannot be read: {error}") from error
    manifest = Manifest.from_dict(values, where=str(file.parent))
    if deployment is not None and manifest.deployment != deployment:
        raise CorpusMismatchError(
            f"{file.parent} was made as {manifest.deployment!r}, not {deployment!r}; export it and import the copy"
        )
    return manifest


def _engine(folder: Path, manifest: Manifest) -> Engine:
    videos = LOCAL_FOLDER if manifest.deployment == "local" else EDGE_FOLDER
    if manifest.index_options is not None and not (folder / videos).exists():  # it was there before the first video
        raise DamagedCorpusError(
            f"{folder / videos} is gone, where the videos of this library were; bring it back, or index into a new "
            f"library"
        )
    if manifest.deployment == "local":
        return LocalEngine.open(folder / LOCAL_FOLDER, manifest.schema)
    engine_folder = folder / EDGE_FOLDER
    if not engine_folder.exists():  # a kill while it was made leaves another name
        for left in folder.glob(f"{EDGE_FOLDER}.*.tmp"):
            shutil.rmtree(left)
        made = folder / f"{EDGE_FOLDER}.{uuid.uuid4().hex}.tmp"
        EdgeEngine.create(made, manifest.schema).close()
        made.rename(engine_folder)
    return EdgeEngine.load(engine_folder)


def _save(file: Path, manifest: Manifest) -> None:
    write_bytes(file, (json.dumps(manifest.to_dict(), indent=1) + "\n").encode())


def _others(folder: Path) -> list[str]:
    """Names of what whoever makes a library would not have left there, were they ended or at it."""
    names = (path.name for path in folder.iterdir())
    return [name for name in names if name != LOCK_FILE and not name.startswith(f".{MANIFEST_FILE}.")]
