"""No changed byte is ever served: cut, flipped, swapped and foreign files are misses, set aside and said."""

from __future__ import annotations

import json
import random
import struct

import pytest

from clamr_select.errors import DamagedEntryError
from clamr_select.store.entry import decode, encode, record_json


@pytest.fixture
def stored(store, make_entry):
    key, entry = make_entry(1)
    store.put(key, entry)
    ((file, _),) = store.entries()
    return key, entry, file.path


def test_every_flipped_bit_is_seen(make_entry):
    key, entry = make_entry(1)
    good = b"".join(encode(record_json(entry.record), tensors=entry.tensors, key=key, label="talk.mp4"))
    assert decode(good, key=key).record == entry.record
    for position in range(len(good)):
        flipped = bytearray(good)
        flipped[position] ^= 1 << (position % 8)
        with pytest.raises(DamagedEntryError):
            decode(bytes(flipped), key=key)


def test_every_cut_is_seen(make_entry):
    key, entry = make_entry(1)
    good = b"".join(encode(record_json(entry.record), tensors=entry.tensors, key=key, label="talk.mp4"))
    for length in range(len(good)):
        with pytest.raises(DamagedEntryError):
            decode(good[:length], key=key)
    with pytest.raises(DamagedEntryError):
        decode(good + b"\0", key=key)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_is_a_miss_and_is_made_anew(store, stored, same, seed):
    key, entry, path = stored
    rng = random.Random(seed)
    data = bytearray(path.read_bytes())
    if seed % 2:
        del data[rng.randrange(len(data)) :]
    else:
        start = rng.randrange(len(data) - 8)
        data[start : start + 8] = rng.randbytes(8)
    path.write_bytes(data)

    assert store.get(key) is None
    assert [code for code, _ in store.take_warnings()] == ["cache_damaged"]
    assert store.get(key) is None, "it was set aside"
    assert store.take_warnings() == []
    assert store.put(key, entry)
    assert same(store.get(key), entry)


def test_the_entry_of_another_key_is_not_served(store, stored, make_entry):
    _, _, path = stored
    other, content = make_entry(2)
    store.put(other, content)
    (other_path,) = (file.path for file, _ in store.entries() if file.path != path)
    other_path.write_bytes(path.read_bytes())

    assert store.get(other) is None
    assert [code for code, _ in store.take_warnings()] == ["cache_damaged"]


def _safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        b"\xff" * 4096,
        struct.pack("<Q", 2**63) + b"{}",
        _safetensors([]),
        _safetensors(None),
        _safetensors({}),
        _safetensors({"__metadata__": None}),
        _safetensors({"__metadata__": {"format": "pt"}}),
        _safetensors({"__metadata__": {"format": "clamr-select store 1", "kind": 1, "key": 2, "label": 3}}),
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        struct.pack("<Q", 4) + b"\xff\xfe{}",
    ],
    ids=range(12),
)
def test_a_foreign_file_is_a_miss(store, stored, data):
    key, _, path = stored
    path.write_bytes(data)

    assert [label for _, label in store.entries()] == [""]
    assert store.get(key) is None


def test_verify_finds_what_is_damaged_and_sets_it_aside(store, make_entry):
    for number in range(6):
        store.put(*make_entry(number))
    paths = sorted(file.path for file, _ in store.entries())
    for path in paths[:2]:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)

    found = store.verify()

    assert found.num_whole == 4
    assert sorted(found.damaged) == paths[:2]
    assert sorted(file.path for file, _ in store.entries()) == paths[2:]
    assert store.verify().damaged == ()
