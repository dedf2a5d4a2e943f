"""Whether a file is one that a corpus knows under another name."""

from __future__ import annotations

import os


def has_moved(known_path: str | None, path: str) -> bool:
    """Of two paths of the same bytes: the one that is known is gone. Where it is there, the other is a copy.

    False for a name that is no Unicode, which a corpus cannot hold.
    """
    if known_path == path or not _is_unicode(path):
        return False
    return known_path is None or not os.path.exists(known_path)


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
