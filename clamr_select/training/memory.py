"""Less memory for more computing."""

from __future__ import annotations

from clamr_select.model import ClamrForRetrieval


def enable_gradient_checkpointing(model: ClamrForRetrieval) -> None:
    """Keep no activations inside the backbone's layers; compute them again for the backward pass.

    Cached gradients (``ContrastiveModel(cache_gradients=True)``) do the same for whole groups of documents, and the
    two add up: one for the length of a document, one for the number of them.
    """
    options = {"use_reentrant": False}  # frozen inputs would stop the other kind
    if hasattr(model, "activation_checkpointing_enable"):  # transformers 5.24 renamed it
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=options)
    else:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)
