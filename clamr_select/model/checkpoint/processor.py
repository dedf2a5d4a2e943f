"""The processor of a checkpoint: its own, or the backbone's with the tokenizer that lies beside the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import AutoTokenizer

from clamr_select.errors import CheckpointError
from clamr_select.model.checkpoint.find import OWN_CODE, Checkpoint
from clamr_select.model.checkpoint.source import Source, read_json
from clamr_select.model.processing_clamr import ClamrProcessor

PROCESSOR_CONFIG = "processor_config.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")


def load_processor(checkpoint: Checkpoint) -> ClamrProcessor:
    """The adapter's before the base's, a processor of ours before a tokenizer alone.

    Raises:
        CheckpointError: no tokenizer is there, an own save lost its processor's config, or a file is damaged.
    """
    sources = [source for source in (checkpoint.source, checkpoint.base) if source is not None]
    for source in sources:
        if _is_ours(source):
            with _problems_of(source):
                return ClamrProcessor.from_pretrained(source.directory, trust_remote_code=False)
    if checkpoint.source.kind == "own":
        raise CheckpointError(f"{checkpoint.source.name}: {PROCESSOR_CONFIG} is missing, which save_pretrained wrote")
    for source in sources:
        if any((source.directory / name).is_file() for name in TOKENIZER_FILES):
            with _problems_of(source):
                tokenizer = AutoTokenizer.from_pretrained(source.directory, trust_remote_code=False)
            return ClamrProcessor(
                tokenizer, modalities=checkpoint.config.modalities, **checkpoint.backbone.processor_options
            )
    places = " and ".join(source.name for source in sources)
    raise CheckpointError(f"{places}: no tokenizer is there ({' or '.join(TOKENIZER_FILES)})")


@contextmanager
def _problems_of(source: Source) -> Iterator[None]:
    """What transformers and tokenizers raise for damaged files, or for files that want code to run, by name."""
    try:
        yield
    except Exception as error:  # tokenizers raises plain Exception
        reason = OWN_CODE if "trust_remote_code" in str(error) else f"{type(error).__name__}: {error}"
        raise CheckpointError(f"the tokenizer or processor of {source.name} cannot be read: {reason}") from error


def _is_ours(source: Source) -> bool:
    path = source.directory / PROCESSOR_CONFIG
    return path.is_file() and read_json(path).get("processor_class") == ClamrProcessor.__name__
