"""Which names an environment can hold."""

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_variable(name: str) -> bool:
    """Tell whether a shell takes this for the name of a variable (POSIX, XBD 3.216)."""
    return _NAME.fullmatch(name) is not None
