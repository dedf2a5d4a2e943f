"""Memory of a process that is ours: the command line's, never that of a program which embeds the library."""

from __future__ import annotations

import ctypes
import sys

M_MMAP_THRESHOLD = -3  # <malloc.h>
LARGE_BLOCK_BYTES = 1 << 20


def return_large_blocks() -> None:
    """Have freed blocks of 1 MiB and more go back to the system at once.

    glibc raises that size by itself as it sees large blocks freed, and then keeps them; the buffers of text
    recognition, of ever new sizes, fragment the heap: an hour of video peaked at 1.65 GB instead of 1.44 GB.
    Does nothing where the C library is another one.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
