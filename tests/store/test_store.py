"""Get, put, list, verify, clear, and the bound on size."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors
import torch

from clamr_select.errors import InputError, StoreError
from clamr_select.store import Entry, Key, Store, default_folder


def test_what_was_put_is_what_is_got(store, make_entry, same):
    key, entry = make_entry(1)

    assert store.get(key) is None
    assert store.put(key, entry, label="talk.mp4")
    assert same(store.get(key), entry)
    assert same(Store(store.folder).get(key), entry)
    assert store.take_warnings() == []


def test_a_record_alone_needs_no_torch(store):
    key = Key("transcript", {"chunk": 3})
    store.put(key, Entry({"words": [["treaty", 12.3, 12.8]]}))
    code = f"""
import sys
from clamr_select.store import Key, Store
store = Store({str(store.folder)!r})
print(store.get(Key("transcript", {{"chunk": 3}})).record["words"], store.verify().num_whole, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[['treaty', 12.3, 12.8]] 1 False"


def test_a_second_put_replaces_the_first(store, make_entry, same):
    key, _ = make_entry(1)
    store.put(key, Entry({"version": 1}))
    store.put(key, Entry({"version": 2}))

    assert store.get(key).record == {"version": 2}
    assert len(list(store.entries())) == 1


def test_an_entry_is_a_safetensors_file_that_only_its_owner_reads(store, make_entry):
    key, entry = make_entry(1)
    store.put(key, entry)
    ((file, _),) = store.entries()

    with safetensors.safe_open(file.path, framework="pt") as opened:
        assert torch.equal(opened.get_tensor("vectors"), entry.tensors["vectors"])
        assert opened.metadata()["kind"] == "embeddings"
    if os.name == "posix":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_tensors_that_share_memory_are_stored_each(store, same):
    numbers = torch.arange(6)
    entry = Entry({}, {"all": numbers, "again": numbers, "start": numbers[:2], "rows": numbers.view(2, 3).T})

    assert store.put(Key("ocr", {}), entry)
    assert same(store.get(Key("ocr", {})), entry)


@pytest.mark.parametrize("record", [{"a": float("nan")}, {"a": b"bytes"}, {"a": object()}])
def test_a_record_is_json(store, record):
    with pytest.raises(InputError, match="JSON"):
        store.put(Key("ocr", {}), Entry(record))


def test_entries_are_listed_with_kind_size_use_and_label(store, make_entry):
    before = time.time() - 5
    for number, kind in enumerate(("embeddings", "ocr", "ocr")):
        key, entry = make_entry(number, kind=kind)
        store.put(key, entry, label=f"talk {number} \udcff.mp4")
    listed = {label: file for file, label in store.entries()}

    assert sorted(file.kind for file in listed.values()) == ["embeddings", "ocr", "ocr"]
    assert set(listed) == {f"talk {number} \udcff.mp4" for number in range(3)}
    assert all(file.num_bytes == file.path.stat().st_size for file in listed.values())
    assert all(before < file.last_used_seconds < time.time() + 5 for file in listed.values())
    assert len(list(store.entries(kind="ocr"))) == 2
    assert list(store.entries(kind="transcript")) == []


def test_clear_deletes_what_the_store_made_and_nothing_else(store, make_entry, tmp_path):
    for number, kind in enumerate(("embeddings", "ocr", "ocr")):
        key, entry = make_entry(number, kind=kind)
        store.put(key, entry)
    mine = [store.folder / "holiday.mp4", store.folder / "embeddings" / "3f" / "notes.safetensors"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")

    assert len(store.clear(kind="ocr")) == 2
    assert [file.kind for file, _ in store.entries()] == ["embeddings"]
    assert len(store.clear()) == 1
    assert sorted(path for path in store.folder.rglob("*") if path.is_file()) == sorted(mine)


def test_clear_takes_what_a_killed_writer_left(store, make_entry):
    key, entry = make_entry(1)
    store.put(key, entry)
    ((file, _),) = store.entries()
    left = file.path.with_name(f"{file.path.stem}.{'0' * 32}.tmp")
    left.write_bytes(b"half")

    assert len(list(store.entries())) == 1
    assert {deleted.path for deleted in store.clear()} == {file.path, left}


@pytest.mark.parametrize("kind", ["..", "../cache", "a/b", "damaged"])
def test_a_kind_names_no_other_folder(store, kind):
    with pytest.raises(InputError, match="kind"):
        store.clear(kind=kind)


def _size(store: Store) -> int:
    return sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())


def test_size_is_bounded_and_the_longest_unused_goes_first(tmp_path, make_entry, same):
    key, entry = make_entry(0, num_tokens=100)
    probe = Store(tmp_path / "probe")
    probe.put(key, entry)
    one = _size(probe)
    store = Store(tmp_path / "cache", max_bytes=5 * one + one // 2)
    made = [make_entry(number, num_tokens=100) for number in range(8)]
    for age, (key, entry) in enumerate(made[:5]):
        store.put(key, entry)
        (path,) = store.folder.rglob(f"{key.digest}*")
        os.utime(path, (1e9 + age, 1e9 + age))
    assert same(store.get(made[0][0]), made[0][1])  # the oldest is used again

    for key, entry in made[5:]:
        store.put(key, entry)
        assert _size(store) <= store.max_bytes
        assert same(store.get(key), entry), "what was just written stays"
    kept = [number for number, (key, _) in enumerate(made) if store.get(key) is not None]

    assert 0 in kept
    assert {1, 2, 3}.isdisjoint(kept)
    assert {5, 6, 7} <= set(kept)


def test_a_download_outlives_the_entries_made_from_it(tmp_path, make_entry):
    store = Store(tmp_path / "cache", max_bytes=50_000)
    path = store.downloads / ("0" * 64)
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(b"x" * 30_000)
    os.utime(path, (1e9, 1e9))
    holding = store.downloaded(path)
    for number in range(20):
        holding.put(*make_entry(number, num_tokens=100))
        assert path.exists()

    for number in range(20, 40):  # of other videos
        store.put(*make_entry(number, num_tokens=100))
    assert not path.exists()
    assert _size(store) <= 50_000 * (1 + 1 / 16)


def test_the_bound_counts_what_another_process_writes(tmp_path, make_entry):
    writers = [Store(tmp_path / "cache", max_bytes=200_000) for _ in range(4)]
    for number in range(200):
        key, entry = make_entry(number, num_tokens=100)
        writers[number % 4].put(key, entry)

        assert _size(writers[0]) <= 200_000 * (1 + 4 / 16)


def test_leftovers_go_before_entries(tmp_path, make_entry):
    store = Store(tmp_path / "cache", max_bytes=100_000)
    key, entry = make_entry(1)
    store.put(key, entry)
    ((file, _),) = store.entries()
    abandoned, living = (file.path.with_name(f"{file.path.stem}.{digit * 32}.tmp") for digit in "01")
    for path in (abandoned, living):
        path.write_bytes(b"x" * 1000)
    os.utime(abandoned, (time.time() - 7200, time.time() - 7200))
    set_aside = store.folder / "damaged" / f"{file.path.stem}.{'2' * 32}"
    set_aside.parent.mkdir()
    set_aside.write_bytes(b"x" * 99_000)
    Store(store.folder, max_bytes=100_000).put(*make_entry(2))

    assert not abandoned.exists()
    assert living.exists()
    assert not set_aside.exists()
    assert len(list(store.entries())) == 2


def test_an_entry_larger_than_the_store_is_left_out_and_said(tmp_path, make_entry):
    store = Store(tmp_path / "cache", max_bytes=1000)

    assert not store.put(*make_entry(1, num_tokens=1000))
    assert [code for code, _ in store.take_warnings()] == ["not_cached"]


def test_words_that_are_too_many_are_left_out_and_said(tmp_path, make_entry, monkeypatch):
    monkeypatch.setattr("clamr_select.store.store.MAX_RECORD_BYTES", 10)
    store = Store(tmp_path / "cache")

    assert not store.put(*make_entry(1))
    assert [code for code, _ in store.take_warnings()] == ["not_cached"]


def test_max_bytes_is_positive(tmp_path):
    with pytest.raises(InputError, match="max_bytes"):
        Store(tmp_path, max_bytes=0)


def test_where_it_lies_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAMR_SELECT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_folder() == tmp_path / ".cache" / "clamr-select"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder() == tmp_path / ".cache" / "clamr-select"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "clamr-select"
    monkeypatch.setenv("CLAMR_SELECT_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    assert Store().folder == tmp_path / "mine"


@pytest.mark.parametrize("name", ["", "~nobody-of-this-name/cache"])
def test_a_folder_that_is_nowhere_is_refused(monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=f"{name!r}.*switch"):
        Store(name)
    monkeypatch.setenv("CLAMR_SELECT_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(StoreError, match="nobody-of-this-name"):
        default_folder()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        Store(tmp_path / "file")
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path / "file" / "below")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_folder_everyone_may_write_to_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(StoreError, match=r"chmod o-w"):
        Store(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to give a folder away")
def test_another_users_folder_is_refused(tmp_path):
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(StoreError, match="another user"):
        Store(tmp_path)


def test_a_folder_that_turned_public_is_not_written_to(tmp_path: Path, make_entry):
    store = Store(tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)

    assert not store.put(*make_entry(1))
    assert [code for code, _ in store.take_warnings()] == ["not_cached"]
