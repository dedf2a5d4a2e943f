"""Four processes write and read the entries of one video and are killed at random moments; nothing wrong is served.

    python tests/store/killed_writers.py --kills 200

Each writer runs over the same keys: it looks an entry up, compares what it finds with what must be there, and writes it
again. The parent kills one at a random moment (SIGKILL) and starts another, and reads all the while itself. Prints one
line of JSON; ends with status 1 where one entry was wrong.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch

from clamr_select.store import Entry, Key, Store

NUM_WRITERS = 4
NUM_CHUNKS = 3
WRONG = 42


def truth(number: int, *, num_tokens: int) -> tuple[Key, Entry]:
    """Entry 0 is the video's embeddings, the others chunks of its transcript."""
    if number:
        words = [[f"word {number} {i}", i / 10, i / 10 + 0.1] for i in range(2000)]
        return Key("transcript", {"video": "ab" * 32, "chunk": number}), Entry({"words": words})
    vectors = torch.arange(num_tokens * 128).reshape(num_tokens, 128).to(torch.float32).sin()
    return Key("embeddings", {"video": "ab" * 32}), Entry({"video": "talk.mp4"}, {"vectors": vectors})


def is_right(found: Entry, expected: Entry) -> bool:
    return found.record == expected.record and all(
        torch.equal(found.tensors[name], tensor) for name, tensor in expected.tensors.items()
    )


def write_for_ever(folder: str, seed: int, num_tokens: int) -> None:
    store, rng = Store(folder), random.Random(seed)
    entries = [truth(number, num_tokens=num_tokens) for number in range(1 + NUM_CHUNKS)]
    while True:
        key, entry = rng.choice(entries)
        found = store.get(key)
        if found is not None and not is_right(found, entry):
            os._exit(WRONG)
        store.put(key, entry, label="talk.mp4")


def run(folder: Path, *, kills: int, num_tokens: int, seed: int) -> dict[str, int]:
    rng = random.Random(seed)
    store = Store(folder)
    entries = [truth(number, num_tokens=num_tokens) for number in range(1 + NUM_CHUNKS)]
    fork = multiprocessing.get_context("fork")

    def start() -> multiprocessing.Process:
        process = fork.Process(target=write_for_ever, args=(str(folder), rng.random(), num_tokens), daemon=True)
        process.start()
        return process

    counts = {"kills": 0, "hits": 0, "misses": 0, "wrong": 0, "warnings": 0}
    writers = [start() for _ in range(NUM_WRITERS)]
    for _ in range(kills):
        time.sleep(rng.uniform(0.0, 0.05))
        position = rng.randrange(NUM_WRITERS)
        victim = writers[position]
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        counts["kills"] += victim.exitcode == -signal.SIGKILL
        counts["wrong"] += victim.exitcode == WRONG
        writers[position] = start()
        for key, entry in entries:
            found = store.get(key)
            counts["misses" if found is None else "hits"] += 1
            counts["wrong"] += found is not None and not is_right(found, entry)
    for writer in writers:
        writer.kill()
        writer.join()
        counts["wrong"] += writer.exitcode == WRONG
    counts["warnings"] = len(store.take_warnings())
    counts["half_written_files"] = sum(1 for _ in folder.rglob("*.tmp"))
    checked = store.verify()
    counts["whole_at_the_end"], counts["damaged_at_the_end"] = checked.num_whole, len(checked.damaged)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=8000, help="of 512 bytes: the size of the embeddings")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        counts = run(Path(folder, "cache"), kills=arguments.kills, num_tokens=arguments.tokens, seed=arguments.seed)
    sys.stdout.write(json.dumps(counts) + "\n")
    return 1 if counts["wrong"] or counts["damaged_at_the_end"] else 0


if __name__ == "__main__":
    sys.exit(main())
