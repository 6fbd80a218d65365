"""Lengths of time, as people say them."""

from typing import Final

PARTS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def spoken(seconds: float, *, parts: int = len(PARTS)) -> str:
    """Say a length of time in days, hours, minutes and seconds.

    Its ``parts`` largest ones are said, all of them by default; what is left is dropped.
    """
    left, told = round(seconds), []
    for word, size in PARTS:
        count, left = divmod(left, size)
        if count:
            told.append(f"{count} {word}" if count == 1 else f"{count} {word}s")
    return " ".join(told[:parts]) or "0 seconds"
