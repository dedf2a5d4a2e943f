"""Embeddings of the corpus on disk, a file for every so many videos: what is there is kept, so a run may be stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from clamr_select.errors import InputError
from clamr_select.scoring.codes import Precision, decode, encode
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings
from clamr_select.training.data.report import BadRow
from clamr_select.training.encoding import EncodedDocuments

DEFAULT_PART_SIZE = 256


@dataclass(frozen=True)
class Parts:
    """Which videos stand in which file.

    Raises:
        InputError: a size below 1.
    """

    num_documents: int
    size: int = DEFAULT_PART_SIZE

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"a part needs at least 1 video, got {self.size}")

    def __len__(self) -> int:
        return -(-self.num_documents // self.size)

    def positions(self, number: int) -> range:
        """Of the videos of a part, in the corpus."""
        return range(number * self.size, min((number + 1) * self.size, self.num_documents))

    def of_shard(self, shard: tuple[int, int]) -> Iterator[int]:
        """Numbers of the parts that one of several processes makes: (which, of how many)."""
        return iter(range(shard[0], len(self), shard[1]))


@dataclass(frozen=True)
class EmbeddedPart:
    """The videos of one file."""

    pool: EncodedDocuments
    """All of them, in order; one without a token has nothing that this encoder reads, or was skipped."""
    skipped: tuple[tuple[int, BadRow], ...]
    """Position in the corpus and what is wrong: videos that cannot be read."""
    num_tokens_cut: int


class PartFolder:
    """The files of one encoder with its settings; other settings have another folder.

    Args:
        folder: made when the first part is written.
        settings: what the embeddings depend on, kept beside them as ``settings.json``.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self._settings = settings

    def path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.safetensors"

    def has(self, number: int) -> bool:
        return self.path(number).is_file()

    def write(
        self,
        number: int,
        pool: EncodedDocuments,
        *,
        precision: Precision,
        skipped: Sequence[tuple[int, BadRow]],
        num_tokens_cut: int,
    ) -> None:
        """In one step: a part is there whole, or not at all."""
        labels = {
            "modality_ids": pool.tokens.modality_ids.to(torch.uint8),
            "document_of_token": pool.document_of_token.to(torch.int32),
        }
        about = {
            "num_documents": len(pool.frame_counts),
            "modalities": pool.tokens.modalities,
            "skipped": [[position, bad.name, bad.reason] for position, bad in skipped],
            "num_tokens_cut": num_tokens_cut,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "settings.json"
        if not settings.is_file():
            replace_file(settings, json.dumps(self._settings, indent=1).encode())
        write_tensors(self.path(number), encode(pool.tokens.vectors, precision=precision) | labels, about)

    def read(self, number: int) -> EmbeddedPart:
        """
        Raises:
            InputError: the file is damaged.
        """
        tensors, about = read_tensors(self.path(number))
        owners = tensors.pop("document_of_token").long()
        ids = tensors.pop("modality_ids").long()
        untimed = torch.full((len(ids),), NO_CANDIDATE)
        tokens = TokenEmbeddings(decode(tensors), ids, untimed, untimed, 0, tuple(about["modalities"]))
        counts = torch.zeros(about["num_documents"], dtype=torch.int64)
        skipped = tuple((position, BadRow(name, reason)) for position, name, reason in about["skipped"])
        return EmbeddedPart(EncodedDocuments(tokens, owners, counts), skipped, about["num_tokens_cut"])


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    """Tensors and JSON values as safetensors, in one step."""
    from safetensors.torch import save

    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    replace_file(path, save(whole, metadata={"about": json.dumps(about)}))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """
    Raises:
        InputError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["about"])  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); remove it, and it is made again") from error


def replace_file(path: Path, content: bytes) -> None:
    """Write beside it, then take its place."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
