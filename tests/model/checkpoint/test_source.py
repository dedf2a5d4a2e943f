"""Which files are read: from a directory, and from a hub that answers on the loopback interface."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from clamr_select.errors import CheckpointError, ModelNotFoundError, UnsafeWeightsError
from clamr_select.model.checkpoint.source import HubOptions, find_source

TENSORS = {"w": torch.zeros(2)}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INDEX = "model.safetensors.index.json"


def repository(folder, *, config=None, adapter=None, weights=(), index=None, others=()):
    folder.mkdir(parents=True)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    if adapter is not None:
        (folder / "adapter_config.json").write_text(json.dumps(adapter))
    if index is not None:
        (folder / INDEX).write_text(json.dumps(index))
    for name in weights:
        save_file(TENSORS, folder / name)
    for name in others:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


SHARDED = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}


@pytest.mark.parametrize(
    ("content", "kind", "files"),
    [
        ({"config": {"model_type": "clamr"}, "weights": ["model.safetensors"]}, "own", ["model.safetensors"]),
        ({"config": {"model_type": "qwen2_5_vl"}, "weights": ["model.safetensors"]}, "merged", ["model.safetensors"]),
        ({"adapter": {}, "weights": ["adapter_model.safetensors"]}, "adapter", ["adapter_model.safetensors"]),
        (
            {"config": {}, "weights": ["model-1.safetensors", "model-2.safetensors"], "index": SHARDED},
            "merged",
            ["model-1.safetensors", "model-2.safetensors"],
        ),
        (
            {"config": {}, "weights": ["model.safetensors"], "others": ["pytorch_model.bin"]},
            "merged",
            ["model.safetensors"],
        ),
    ],
)
def test_what_lies_in_a_directory(tmp_path, content, kind, files):
    source = find_source(repository(tmp_path / "m", **content))
    assert source.kind == kind
    assert [path.name for path in source.weight_files] == files


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"config": {}, "others": ["pytorch_model.bin"]}, r"pytorch_model\.bin"),
        ({"config": {}, "others": ["model.pt"]}, r"model\.pt"),
        ({"adapter": {}, "others": ["adapter_model.bin"]}, r"adapter_model\.bin"),
        ({"adapter": {}, "weights": ["model.safetensors"], "others": ["adapter_model.bin"]}, r"adapter_model\.bin"),
        ({"config": {}, "index": {"weight_map": {"a": "model-1.bin"}}, "others": ["model-1.bin"]}, r"model-1\.bin"),
        ({"config": {}, "others": ["pytorch_model.bin.index.json"]}, r"pytorch_model\.bin\.index\.json"),
    ],
)
def test_pickles_are_refused(tmp_path, content, named):
    with pytest.raises(UnsafeWeightsError, match=named):
        find_source(repository(tmp_path / "m", **content))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"weights": ["model.safetensors"]}, "neither config.json nor adapter_config.json"),
        ({"config": {}}, "holds no model.safetensors"),
        ({"adapter": {}, "weights": ["model.safetensors"]}, "holds no adapter_model.safetensors"),
        ({"config": {}, "index": SHARDED, "weights": ["model-1.safetensors"]}, "holds no model-2.safetensors"),
        ({"config": {}, "index": {"weight_map": {}}}, "no weight_map"),
        ({"config": {}, "index": {"weight_map": {"a": "../x.safetensors"}}}, "outside its folder"),
        ({"config": {}, "index": SHARDED, "weights": ["model.safetensors"]}, "which one counts"),
    ],
)
def test_contradictions_are_refused(tmp_path, content, named):
    with pytest.raises(CheckpointError, match=named):
        find_source(repository(tmp_path / "m", **content))


@pytest.mark.parametrize("name", ["no/such/model", "/no/such/directory", "bad name", "~nobody-of-this-name/model"])
def test_names_that_cannot_be(name):
    with pytest.raises(ModelNotFoundError, match=name):
        find_source(name, hub=HubOptions(local_files_only=True))


ASK = """
import json, sys
from clamr_select.errors import ModelError
from clamr_select.model.checkpoint.source import HubOptions, find_source
for name, options in json.loads(sys.argv[1]):
    try:
        source = find_source(name, hub=HubOptions(**options))
        there = all(path.is_file() for path in source.weight_files)
        answer = [source.kind, [path.name for path in source.weight_files], there]
    except ModelError as error:
        answer = [type(error).__name__, str(error)]
    print(json.dumps(answer))
"""


def test_a_hub_gives_what_is_needed_and_no_more(hub, tmp_path):
    """huggingface_hub itself, in a process of its own that takes the loopback server for the hub."""
    repository(
        hub.root / "me" / "adapter",
        adapter={},
        weights=["adapter_model.safetensors", "model.safetensors"],
        others=["optimizer.pt", "training_args.bin", "run.py", "tokenizer.json", "merges.txt", "checkpoint-5/a.json"],
    )
    shards = ["model-1.safetensors", "model-2.safetensors"]
    repository(hub.root / "me" / "sharded", config={}, index=SHARDED, weights=shards)
    repository(hub.root / "me" / "pickled", config={}, others=["pytorch_model.bin"])
    repository(hub.root / "me" / "pickled-adapter", adapter={}, others=["adapter_model.bin"])
    questions = [
        ("me/adapter", {}),
        ("me/adapter", {"local_files_only": True}),
        ("me/sharded", {"revision": "main", "cache_dir": str(tmp_path / "cache")}),
        ("me/sharded", {"local_files_only": True}),
        ("me/sharded", {"revision": "no-such-branch"}),
        ("me/pickled", {}),
        ("me/pickled-adapter", {}),
        ("me/nothing", {}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(questions)],
        env={
            **os.environ,
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(questions), done.stderr
    assert answers[:3] == [["adapter", ["adapter_model.safetensors"], True]] * 2 + [["merged", shards, True]]
    assert [answer[0] for answer in answers[3:]] == [
        "ModelNotFoundError",  # it lies in another cache
        "ModelNotFoundError",
        "UnsafeWeightsError",
        "UnsafeWeightsError",
        "ModelNotFoundError",
    ]
    assert "pytorch_model.bin" in answers[5][1]
    assert "adapter_model.bin" in answers[6][1]
    fetched = [request.split("/resolve/") for request in hub.requests if "/resolve/" in request]
    assert {file for repo, file in fetched if repo.endswith("me/adapter")} == {
        f"{COMMIT}/{name}"
        for name in ("adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "merges.txt")
    }
    assert not any(file.endswith(".bin") for _, file in fetched)
