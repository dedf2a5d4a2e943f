"""Pictures that lmms-eval encodes for a server are told apart.

lmms-eval 0.7.3 remembers an encoded picture by the address of its object, and Python gives the address of a picture
that is gone to a later one: of 32 frames of a video that it sends as images (``vllm``, ``openai``, ``async_openai``,
``litellm``), 7 to 15 were earlier frames again (docs/lmms_eval.md). While a picture is remembered it is kept here, so
no other can have its address.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

_installing = threading.Lock()


def keep_encoded_images() -> None:
    """In this process, whichever model encodes; calling again changes nothing."""
    from lmms_eval.protocol import ChatMessages

    with _installing:
        original = ChatMessages.encode_image
        if hasattr(original, "keeps_images"):
            return

        @functools.wraps(original)
        def encode_image(self: Any, image: Any, cache: Any = None, *how: Any, **named: Any) -> str:
            if cache is not None and not isinstance(image, str):
                cache["kept", id(image)] = image
            return str(original(self, image, cache, *how, **named))

        encode_image.keeps_images = True  # type: ignore[attr-defined]
        ChatMessages.encode_image = encode_image
