"""Keep what is in memory, root key and secrets, out of core files and of others' sight."""

import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """Let no core of this process be written, and no other of the same user look into it.

    It is Linux that is asked (prctl(2), PR_SET_DUMPABLE), whatever limit or handler of cores there
    is; elsewhere nothing happens. A program that is executed from here starts afresh.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
