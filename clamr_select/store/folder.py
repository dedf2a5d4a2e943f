"""Where the store lies, whose it is, and how a file gets into it whole."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from clamr_select.errors import StoreError
from clamr_select.store.layout import temporary_path

ENVIRONMENT_VARIABLE = "CLAMR_SELECT_CACHE"


def default_folder() -> Path:
    """``$CLAMR_SELECT_CACHE``, else ``clamr-select`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``.

    Raises:
        StoreError: neither is set, and the user has no home; or as :func:`named_folder`.
    """
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return named_folder(chosen)
    base = Path(os.environ.get("XDG_CACHE_HOME") or "")
    # the XDG specification: a path that is not absolute is to be ignored
    if not base.is_absolute():
        try:
            base = Path.home() / ".cache"
        except RuntimeError as error:
            raise StoreError(f"there is no home for a cache; set {ENVIRONMENT_VARIABLE}, or switch it off") from error
    return base / "clamr-select"


def named_folder(folder: str | Path) -> Path:
    """A folder that was named, from the root.

    Raises:
        StoreError: the name is empty, or begins with the ``~`` of a user whose home is not known.
    """
    if not os.fspath(folder):  # it would be the working directory
        raise StoreError("the cache folder has no name, got ''; name a folder, or switch the cache off")
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError as error:
        raise StoreError(
            f"whose home the cache folder {os.fspath(folder)!r} is in is not known; write it without ~, or switch the "
            "cache off"
        ) from error


def check_folder(folder: Path) -> None:
    """A folder that is there must be one that no other user can put entries into; one that is not may be made.

    Raises:
        StoreError: it is no directory, belongs to another user, or everyone may write to it.
    """
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"the cache folder {folder} cannot be used: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"the cache folder {folder} is a file; name a folder, or switch the cache off")
    if not hasattr(os, "geteuid"):  # Windows keeps each profile's folders private
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise StoreError(
            f"the cache folder {folder} belongs to another user (uid {found.st_uid}), who could change what is read "
            f"from it; name one of your own, or switch the cache off"
        )
    if found.st_mode & stat.S_IWOTH:
        raise StoreError(
            f"everyone may write to the cache folder {folder}, and could change what is read from it; "
            f"run: chmod o-w {folder}"
        )


def write_whole(path: Path, parts: Iterable[bytes | memoryview], *, root: Path) -> None:
    """Write a file so that a reader sees all of it or nothing: beside its place, synced, renamed.

    Raises:
        OSError: it could not be written; nothing is left behind, unless the process is killed.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_folder(root)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with open(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The renaming outlives a power cut too, where a folder can be synced."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
