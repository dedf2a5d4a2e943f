"""What a corpus says of itself, so that another model or another schema is refused and not mixed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import clamr_select
from clamr_select.errors import CorpusMismatchError, DamagedCorpusError
from clamr_select.retrieval.fixed_encoding import FixedEncoding
from clamr_select.retrieval.schema import SCHEMA_VERSION, Schema

if TYPE_CHECKING:
    from clamr_select.indexing.options import IndexOptions
    from clamr_select.model.encoder import ClamrEncoder

FORMAT = "clamr-select library"
_DECIDES_VECTORS = ("weights", "config", "processor")
"""Of an encoder's identity. Device and library versions change rounding alone, and a library outlives them."""
_OF_ONE_VIDEO = ("subtitles", "title", "description", "limits", "isolate")
"""Index options that may differ from video to video."""


@dataclass(frozen=True)
class ModelNote:
    """Which model made the vectors."""

    name: str
    dtype: str
    identity: Mapping[str, str]

    @classmethod
    def of(cls, encoder: ClamrEncoder) -> ModelNote:
        """
        Raises:
            CorpusMismatchError: the model cannot be told from others, or does not score by corrected labels.
        """
        from clamr_select.model.identity import encoder_identity

        if encoder.compat == "reference":
            raise CorpusMismatchError(
                "a library scores by corrected labels; load the model with compat='corrected' (the default)"
            )
        identity = encoder_identity(encoder)
        if identity is None:
            raise CorpusMismatchError(
                f"a part of the weights of {encoder.name} lies on disk, so the model cannot be told from another; "
                f"load it whole"
            )
        dtype = str(encoder.model.dtype).removeprefix("torch.")
        return cls(encoder.name, dtype, {name: identity[name] for name in _DECIDES_VECTORS})


@dataclass(frozen=True)
class Manifest:
    """Written once, when the corpus is made."""

    schema: Schema
    model: ModelNote | None = None
    """None for vectors that came from elsewhere."""
    index_options: Mapping[str, Any] | None = None
    """Of the videos that are indexed into it; None until the first is."""
    deployment: str = "embedded"

    @property
    def first_stage(self) -> FixedEncoding:
        return FixedEncoding(self.schema.dim, self.schema.center)

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "made_by": f"clamr-select {clamr_select.__version__}",
            "deployment": self.deployment,
            "schema": self.schema.to_dict(),
            "model": None if self.model is None else {**asdict(self.model), "identity": dict(self.model.identity)},
            "center": list(self.schema.center),
            "index_options": None if self.index_options is None else dict(self.index_options),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str) -> Manifest:
        """
        Args:
            where: for messages.

        Raises:
            CorpusMismatchError: it is of another version of the schema.
            DamagedCorpusError: it is no manifest.
        """
        try:
            if values["format"] != FORMAT:
                raise DamagedCorpusError(f"{where} is no library of videos: format {values['format']!r}")
            if values["schema_version"] != SCHEMA_VERSION:
                raise CorpusMismatchError(
                    f"{where} has version {values['schema_version']} of the schema, this clamr-select knows version "
                    f"{SCHEMA_VERSION}; export it with the version that made it ({values['made_by']}), or index anew"
                )
            model = values["model"]
            return cls(
                Schema.from_dict(values["schema"], center=values["center"]),
                None if model is None else ModelNote(**model),
                values["index_options"],
                values["deployment"],
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DamagedCorpusError | CorpusMismatchError):
                raise
            raise DamagedCorpusError(f"{where} has no readable manifest: {error!r}") from error

    def check_model(self, note: ModelNote, *, where: str) -> None:
        """
        Raises:
            CorpusMismatchError: it is not the one that made the vectors.
        """
        if self.model is None:
            raise CorpusMismatchError(f"{where} was made of vectors from elsewhere; search it by vectors, not by text")
        differs = [name for name in _DECIDES_VECTORS if note.identity[name] != self.model.identity[name]]
        if differs:
            raise CorpusMismatchError(
                f"{where} was made with {self.model.name} ({self.model.dtype}); {note.name} ({note.dtype}) has another "
                f"{' and '.join(differs)}, and vectors of two models cannot be compared. Load that model in that "
                f"dtype, or index the videos into a new library"
            )

    def with_index_options(self, options: IndexOptions, *, where: str) -> Manifest:
        """This one, with the options of its first video noted.

        Raises:
            CorpusMismatchError: videos were indexed with others before.
        """
        given = shared_options(options)
        if self.index_options is None:
            return replace(self, index_options=given)
        differs = [name for name in given if given[name] != self.index_options.get(name, given[name])]
        if differs:
            said = ", ".join(f"{name}={self.index_options[name]!r} (got {given[name]!r})" for name in differs)
            raise CorpusMismatchError(f"the videos of {where} were indexed with {said}; give the same")
        return self


def shared_options(options: IndexOptions) -> dict[str, Any]:
    """The index options that all videos of a library share."""
    return {
        option.name: getattr(options, option.name) for option in fields(options) if option.name not in _OF_ONE_VIDEO
    }
