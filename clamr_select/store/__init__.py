"""What was computed from a video, on disk: atomic, checked, bounded.

    store = Store()                                   # the default folder; Store("cache") for another
    key = Key("transcript", {"video": content_digest("talk.mp4"), "engine": "pocketsphinx 5.1.1", "chunk": 3})
    found = store.get(key)                            # an Entry, or None: then compute it and
    store.put(key, Entry({"words": [["treaty", 12.3, 12.8]]}), label="talk.mp4")

Several processes may share a folder; nothing is locked. Writers of one key write the same content, each to a file of
its own that is renamed when it is whole, so the worst a race costs is work done twice. Readers trust nothing: an entry
that is cut, changed or not what its name says is a miss.
"""

from __future__ import annotations

from clamr_select.store.content import content_digest
from clamr_select.store.entry import Entry
from clamr_select.store.folder import default_folder
from clamr_select.store.key import Key
from clamr_select.store.layout import OwnFile
from clamr_select.store.store import DEFAULT_MAX_BYTES, Store, Verified

__all__ = [
    "DEFAULT_MAX_BYTES",
    "Entry",
    "Key",
    "OwnFile",
    "Store",
    "Verified",
    "content_digest",
    "default_folder",
]
