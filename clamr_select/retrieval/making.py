"""What a new corpus is made with, and whether one that is there is what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from clamr_select.errors import CorpusMismatchError
from clamr_select.retrieval.center import question_center
from clamr_select.retrieval.manifest import Manifest, ModelNote
from clamr_select.retrieval.opening import Opened
from clamr_select.retrieval.schema import CorpusOptions, Schema

if TYPE_CHECKING:
    from clamr_select.indexing.options import IndexOptions
    from clamr_select.selector import FrameSelector


def new_manifest(
    selector: FrameSelector | None, note: ModelNote | None, options: CorpusOptions, schema: Schema | None
) -> Manifest | None:
    """None where there is nothing to make a corpus for."""
    if schema is not None:
        return Manifest(schema)
    if selector is None:
        return None
    encoder = selector.encoder
    dim = encoder.model.config.embedding_dim
    made = Schema(encoder.modalities, dim, options, question_center(encoder))
    return Manifest(made, note)


def check_same(
    opened: Opened,
    *,
    note: ModelNote | None,
    options: CorpusOptions | Mapping[str, Any] | None,
    schema: Schema | None,
) -> None:
    manifest, where = opened.manifest, opened.where
    if note is not None:
        manifest.check_model(note, where=where)
    if schema is not None and replace(schema, center=manifest.schema.center) == manifest.schema != schema:
        raise CorpusMismatchError(f"{where} was made with another center; give the same, or open it without a schema")
    if schema is not None and schema != manifest.schema:
        raise CorpusMismatchError(f"{where} has {manifest.schema.to_dict()}, got {schema.to_dict()}")
    given = asdict(options) if isinstance(options, CorpusOptions) else options or {}
    made = asdict(manifest.schema.options)
    differs = [name for name in given if given[name] != made[name]]
    if differs:
        said = ", ".join(f"{name}={made[name]!r} (got {given[name]!r})" for name in differs)
        raise CorpusMismatchError(f"{where} was made with {said}; give the same, or leave them out")


def bound_options(manifest: Manifest, given: Mapping[str, Any] | None, *, where: str) -> IndexOptions:
    """How videos are indexed: as those before, in what is not given.

    Raises:
        CorpusMismatchError: another way than those before.
    """
    from clamr_select.indexing.options import IndexOptions

    options = IndexOptions(**{**(manifest.index_options or {}), **(given or {})})
    manifest.with_index_options(options, where=where)
    return options
