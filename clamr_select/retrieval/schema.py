"""What a corpus keeps of each video, and how: one schema for every deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.retrieval.filters import field_key

Storage = Literal["float32", "float16", "turbo8"]
"""What vectors are kept as. ``turbo8`` takes a quarter of float32's bytes, and rounds."""
Quantization = Literal["none", "int8", "turbo4"]
"""Smaller codes beside the vectors: searches read them, and the best are scored again by the vectors."""
FieldKind = Literal["keyword", "integer", "float", "bool", "datetime"]

SCHEMA_VERSION = 1
JOINT = "joint"
"""The multivector of all of a video's tokens."""
POOLED = "pooled"
"""The single vector of the first stage."""
RESERVED = (JOINT, POOLED)
MAX_ELEMENTS = 2**20 - 1
"""Numbers in one multivector that a Qdrant server takes."""
DEFAULT_MAX_TOKENS = 2000


@dataclass(frozen=True)
class CorpusOptions:
    """What is decided when a corpus is made, and stays.

    Raises:
        UnknownNameError: a name outside its list.
        InputError: a number out of range, or a field that cannot be filtered by.
    """

    storage: Storage = "float16"
    quantization: Quantization = "none"
    joint: bool = True
    """Keep all tokens of a video in one more multivector, so that ``token_max`` is exact in the engine. It doubles
    the bytes of a video; without it a corpus scores by ``modality_max`` alone."""
    max_tokens: int = DEFAULT_MAX_TOKENS
    """Of one modality of one video, at most; of more, those are kept that stand for the others best."""
    filterable: Mapping[str, FieldKind] = field(default_factory=dict)
    """Fields of the videos' metadata that get an index of their own: name to kind. Others can be filtered by too,
    slower. An ``integer`` index knows whole numbers alone; ``float`` is for fields that hold others too."""

    def __post_init__(self) -> None:
        for kind, value, allowed in (
            ("storage", self.storage, get_args(Storage)),
            ("quantization", self.quantization, get_args(Quantization)),
            *(("kind of field", each, get_args(FieldKind)) for each in self.filterable.values()),
        ):
            if value not in allowed:
                raise unknown_name(kind, value, allowed)
        for name in self.filterable:
            field_key(name)
        if self.max_tokens < 1:
            raise InputError(f"max_tokens must be at least 1, got {self.max_tokens}")

    @classmethod
    def of(cls, given: CorpusOptions | Mapping[str, Any] | None) -> CorpusOptions:
        """With the defaults of what is not given."""
        if isinstance(given, CorpusOptions):
            return given
        unknown = sorted(set(given or {}) - {field.name for field in fields(cls)})
        if unknown:
            raise unknown_name("option of a library", unknown[0], [field.name for field in fields(cls)])
        return cls(**(given or {}))


@dataclass(frozen=True)
class Schema:
    """The named vectors of a corpus.

    Raises:
        InputError: a modality has the name of one of our own vectors, more tokens are allowed than a server takes, or
            ``center`` has another length than vectors.
    """

    modalities: tuple[str, ...]
    dim: int
    options: CorpusOptions
    center: tuple[float, ...] = ()
    """(dim,) mean of the tokens of some questions, from which the first stage measures: its codes are a bit a number
    then, an eighth of what they take without. () is the origin."""

    def __post_init__(self) -> None:
        if self.center and len(self.center) != self.dim:
            raise InputError(f"center must have {self.dim} numbers, as vectors have, got {len(self.center)}")
        taken = [name for name in self.modalities if name in RESERVED]
        if taken:
            raise InputError(f"a modality may not be called {', '.join(taken)}: a corpus has a vector of that name")
        if self.options.max_tokens > self.most_tokens:
            raise InputError(
                f"max_tokens must be at most {self.most_tokens} for vectors of {self.dim} numbers"
                f"{' and a joint multivector' if self.options.joint else ''}, got {self.options.max_tokens}"
            )

    @property
    def most_tokens(self) -> int:
        """Of one modality that a server takes."""
        in_one = MAX_ELEMENTS // self.dim
        return in_one // len(self.modalities) if self.options.joint else in_one

    @property
    def multivectors(self) -> tuple[str, ...]:
        return (*self.modalities, JOINT) if self.options.joint else self.modalities

    @property
    def field_indexes(self) -> dict[str, str]:
        """Where in the payload to kind. Paths are looked up at every write: a changed file replaces what it was."""
        wanted = {
            field_key(name, of_truth=kind == "bool"): "keyword" if kind == "bool" else kind
            for name, kind in self.options.filterable.items()
        }
        return {"path": "keyword", **wanted}

    def to_dict(self) -> dict[str, Any]:
        """Without the center."""
        options = {**asdict(self.options), "filterable": dict(self.options.filterable)}
        return {"modalities": list(self.modalities), "dim": self.dim, "options": options}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, center: Sequence[float]) -> Schema:
        return cls(tuple(values["modalities"]), int(values["dim"]), CorpusOptions(**values["options"]), tuple(center))
