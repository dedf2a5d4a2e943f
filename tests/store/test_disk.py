"""Disks that are full, read-only or broken: the work goes on uncached, with one warning."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clamr_select.store import Entry, Key, Store

FILE_SIZE_LIMIT = """
import resource, signal, sys
from clamr_select.store import Entry, Key, Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(sys.argv[1])
assert store.put(Key("ocr", {"small": 1}), Entry({}))
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
print(store.put(Key("ocr", {"large": 1}), Entry({"text": "x" * 200_000})), [code for code, _ in store.take_warnings()])
"""


def _left(store: Store) -> list[str]:
    return [path.suffix for path in store.folder.rglob("*") if path.is_file()]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX resource limits")
def test_a_write_that_the_kernel_cuts_short_stores_nothing(store):
    """The kernel takes a part of the file and refuses the rest, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FILE_SIZE_LIMIT, str(store.folder)], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False ['not_cached']"
    assert _left(store) == [".safetensors"]
    assert store.verify().num_whole == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_keeps_what_it_has_and_takes_no_more(small_disk, make_entry, same):
    store = Store(small_disk / "cache")
    made = [make_entry(number, num_tokens=1000) for number in range(12)]
    stored = [store.put(key, entry) for key, entry in made]

    assert True in stored
    assert False in stored
    assert [code for code, _ in store.take_warnings()] == ["not_cached"], "one warning, however many failures"
    for was_stored, (key, entry) in zip(stored, made, strict=True):
        assert same(store.get(key), entry) == was_stored
    assert set(_left(store)) == {".safetensors"}


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES])
def test_whatever_call_fails_the_work_goes_on(store, make_entry, same, monkeypatch, call, code):
    key, entry = make_entry(1)
    store.put(key, entry)

    def fail(*_args: object, **_options: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(f"clamr_select.store.folder.os.{call}", fail)
        assert not store.put(*make_entry(2))
        assert not store.put(*make_entry(3))

    ((reported, message),) = store.take_warnings()
    assert reported == "not_cached"
    assert os.strerror(code) in message
    assert same(store.get(key), entry)
    assert _left(store) == [".safetensors"]


READ_ONLY = """
import os, sys
from clamr_select.store import Entry, Key, Store
if os.geteuid() == 0:  # whom no permission stops
    os.seteuid(65534)
store = Store(sys.argv[1])
old, new = Key("ocr", {}), Key("ocr", {"a": 1})
print(store.get(old).record, store.put(new, Entry({})), store.put(old, Entry({})))
print([code for code, _ in store.take_warnings()], len(store.clear()), store.verify().num_whole)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_folder_that_is_only_read_serves_and_takes_nothing():
    # pytest's own folders are closed to other users, and root writes everywhere

    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        store = Store(Path(outer, "cache"))
        store.put(Key("ocr", {}), Entry({"a": 1}))
        folders = [store.folder, *(path for path in store.folder.rglob("*") if path.is_dir())]
        for path in store.folder.rglob("*.safetensors"):
            path.chmod(0o444)
        for folder in folders:
            folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(store.folder)], capture_output=True, text=True, check=False
        )
        for folder in folders:
            folder.chmod(0o700)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["{'a': 1} False False", "['not_cached'] 0 1"]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_an_entry_that_cannot_be_read_is_a_miss_and_said(store, make_entry, monkeypatch):
    key, entry = make_entry(1)
    store.put(key, entry)

    def fail(_path: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "read_bytes", fail)

    assert store.get(key) is None
    assert [code for code, _ in store.take_warnings()] == ["cache_unreadable"]
