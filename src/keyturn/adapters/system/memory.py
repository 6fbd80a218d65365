"""What this process does with its memory.

Keeps what is in it, root key and secrets, out of core files and of others' sight, and what is there
to stay out of garbage collection.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final, cast

_PR_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """Let no core of this process be written, and no other of the same user look into it.

    It is Linux that is asked (prctl(2), PR_SET_DUMPABLE), whatever limit or handler of cores there
    is; elsewhere nothing happens. A program that is executed from here starts afresh.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def importing_without(*modules: str) -> Iterator[None]:
    """Import, while the block goes on, as if these modules were not installed.

    For what another would load where it finds it, and nobody needs. One that is loaded stays so.
    """
    hidden = {name: None for name in modules if name not in sys.modules}
    loaded = cast("dict[str, ModuleType | None]", sys.modules)  # None: not to be found
    loaded.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del loaded[name]


def keep_what_is_loaded() -> None:
    """Leave everything that is loaded by now out of garbage collection, for good.

    To go through all of it takes a tenth of a second, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
