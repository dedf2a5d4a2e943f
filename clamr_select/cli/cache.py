"""``clamr-select cache``: what is kept of videos, whether it is whole, and away with it."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from clamr_select.cli.printable import printable_line
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.store import Store

MEBIBYTE = 1024**2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("list", "verify", "clear"),
        help="list the entries; check every byte and set damaged ones aside; delete them",
    )
    parser.add_argument("--kind", metavar="NAME", help="list or clear entries of this kind only, e.g. embeddings")
    parser.add_argument("--cache-dir", metavar="DIR", help="default: $CLAMR_SELECT_CACHE or ~/.cache/clamr-select")


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.store import Store

    if arguments.action == "verify" and arguments.kind is not None:
        raise InputError("verify checks entries of every kind; leave out --kind")
    store = Store(arguments.cache_dir)
    if arguments.action == "list":
        return show(store, kind=arguments.kind)
    if arguments.action == "verify":
        return verify(store)
    deleted = store.clear(kind=arguments.kind)
    print(f"deleted {len(deleted)} files, {_size(sum(file.num_bytes for file in deleted))}, from {store.folder}")
    return 0


def show(store: Store, *, kind: str | None) -> int:
    """One line an entry, the last used first."""
    listed = sorted(store.entries(kind=kind), key=lambda entry: -entry[0].last_used_seconds)
    print(f"{'last used':<16}  {'kind':<12}  {'size':>10}  {'entry':<8}  made from")
    for file, label in listed:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.last_used_seconds))
        print(f"{used}  {file.kind:<12}  {_size(file.num_bytes):>10}  {file.path.stem[:8]}  {printable_line(label)}")
    total = sum(file.num_bytes for file, _ in listed)
    print(f"{len(listed)} entries, {_size(total)} of at most {_size(store.max_bytes)}, in {store.folder}")
    return 0


def verify(store: Store) -> int:
    """Exit status 1 where something was damaged."""
    found = store.verify()
    for path in found.damaged:
        print(f"damaged: {path}")
    print(f"{found.num_whole} entries are whole, {len(found.damaged)} damaged and set aside, in {store.folder}")
    return 1 if found.damaged else 0


def _size(num_bytes: int) -> str:
    return f"{num_bytes / MEBIBYTE:,.1f} MiB"
