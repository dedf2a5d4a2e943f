"""The store: get, put, and what keeps it whole and small."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clamr_select.errors import DamagedEntryError, InputError
from clamr_select.store.entry import (
    MAX_HEADER_BYTES,
    MAX_RECORD_BYTES,
    Entry,
    check,
    decode,
    encode,
    read_header,
    record_json,
)
from clamr_select.store.eviction import Budget, delete
from clamr_select.store.folder import check_folder, default_folder, named_folder, write_whole
from clamr_select.store.key import DOWNLOADS, Key
from clamr_select.store.layout import OwnFile, damaged_path, entry_path, own_files

logger = logging.getLogger(__name__)

DEFAULT_MAX_BYTES = 20 * 1024**3
"""A hundred videos of three hours, at 64 tokens a candidate in bfloat16."""


@dataclass(frozen=True)
class Verified:
    """What :meth:`Store.verify` found."""

    num_whole: int
    damaged: tuple[Path, ...]
    """Where the damaged entries lay."""


class Store:
    """Entries by key in a folder, safe to share between threads, processes and machines.

    No failure of the disk stops the work: an entry that cannot be read is a miss, one that cannot be written is left
    out, and both are in :meth:`take_warnings`.

    Args:
        folder: None takes :func:`clamr_select.store.folder.default_folder`. Made, private to the user, when the first
            entry is written.
        max_bytes: of all files together; entries unused for the longest time go first. Each process that writes at
            the same time may exceed it by a sixteenth.

    Raises:
        StoreError: the folder is a file, another user's, or writable for everyone; or its name is empty, or begins
            with the ``~`` of a user whose home is not known.
        InputError: ``max_bytes`` is below 1.
    """

    def __init__(self, folder: str | Path | None = None, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        if max_bytes < 1:
            raise InputError(f"max_bytes must be at least 1, got {max_bytes}")
        self.folder = default_folder() if folder is None else named_folder(folder)
        self.max_bytes = max_bytes
        check_folder(self.folder)
        self._budget = Budget(self.folder, max_bytes=max_bytes)
        self._warnings: dict[str, str] = {}
        self._held: tuple[Path, ...] = ()

    def get(self, key: Key) -> Entry | None:
        """The entry under ``key``, checked byte for byte; None where there is none, or it is damaged."""
        path = entry_path(self.folder, key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note("cache_unreadable", f"{path} cannot be read and was computed anew: {error.strerror}")
            return None
        try:
            entry = decode(data, key=key)
        except DamagedEntryError as error:
            self._note("cache_damaged", f"{path} is damaged and was computed anew: {error}")
            self._set_aside(path)
            return None
        with contextlib.suppress(OSError):  # a folder that is only read keeps no order of use
            os.utime(path)
        return entry

    def put(self, key: Key, entry: Entry, *, label: str = "") -> bool:
        """Store an entry in place of what lies under ``key``; whether that was possible.

        Args:
            label: what it was made from, for people who list the store, e.g. the name of the video.

        Raises:
            InputError: the record is not JSON.
        """
        record = record_json(entry.record)
        if len(record) > MAX_RECORD_BYTES:
            told = f"an entry may have {MAX_RECORD_BYTES} bytes of words and settings, not {len(record)}"
            self._note("not_cached", told)
            return False
        parts = encode(record, tensors=entry.tensors, key=key, label=label)
        num_bytes = sum(len(part) for part in parts)
        if num_bytes > self.max_bytes:
            self._note("not_cached", f"the cache may have {self.max_bytes} bytes, less than one entry of {num_bytes}")
            return False
        path = entry_path(self.folder, key)
        try:
            write_whole(path, parts, root=self.folder)
        except OSError as error:
            self._note("not_cached", f"the cache in {self.folder} cannot be written: {error.strerror or error}")
            return False
        self._budget.written(num_bytes, keep=(path, *self._held))
        return True

    @property
    def downloads(self) -> Path:
        """Where files that are fetched go; they count, and are evicted like entries."""
        return self.folder / DOWNLOADS

    def downloaded(self, path: Path) -> Store:
        """To be called after a file was written to :attr:`downloads`; the same store to go on with, whose entries do
        not evict this file: they are made from it, and more of it may be wanted."""
        self._budget.written(path.stat().st_size, keep=(path,))
        holding = copy.copy(self)
        holding._held, holding._warnings = (path,), {}
        return holding

    def take_warnings(self) -> list[tuple[str, str]]:
        """(code, message) of what went wrong since the last call, the first of each code: ``cache_damaged``,
        ``cache_unreadable``, ``not_cached``."""
        noted, self._warnings = list(self._warnings.items()), {}
        return noted

    def entries(self, *, kind: str | None = None) -> Iterator[tuple[OwnFile, str]]:
        """(file, label) of all entries, or those of a kind, in no order; nothing of them is checked."""
        for file in own_files(self.folder, kind=kind):
            if file.state == "entry":
                yield file, _label(file.path)

    def verify(self) -> Verified:
        """Check every byte of every entry; damaged ones are set aside, so that they are computed anew."""
        num_whole, damaged = 0, []
        for file in own_files(self.folder):
            if file.state != "entry":
                continue
            try:
                check(file.path.read_bytes())
                num_whole += 1
            except FileNotFoundError:  # another process evicted it
                continue
            except (DamagedEntryError, OSError):
                damaged.append(file.path)
                self._set_aside(file.path)
        return Verified(num_whole, tuple(damaged))

    def clear(self, *, kind: str | None = None) -> list[OwnFile]:
        """Delete all entries, or those of a kind, and what damage and killed writers left; what was deleted.

        What is being written goes too, and is then not stored.
        """
        return [file for file in own_files(self.folder, kind=kind) if delete(file)]

    def _set_aside(self, path: Path) -> None:
        aside = damaged_path(self.folder, path)
        with contextlib.suppress(OSError):  # a folder that is only read keeps it; it stays a miss
            aside.parent.mkdir(mode=0o700, exist_ok=True)
            path.rename(aside)

    def _note(self, code: str, message: str) -> None:
        logger.warning("%s: %s", code, message)
        self._warnings.setdefault(code, message)


def _label(path: Path) -> str:
    """Empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            length = file.read(8)
            header = file.read(min(int.from_bytes(length, "little"), MAX_HEADER_BYTES))
        return read_header(memoryview(length + header)).label
    except (OSError, ValueError):
        return ""
