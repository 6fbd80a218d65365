"""What can be set on a running org, and which values it takes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypedDict, cast

from keyturn.sandbox.errors import MAX_SECRETS_WORDINGS, MaxSecretsWording
from keyturn.sandbox.state.limits import PROFILES, Profile

LONGEST_PROPAGATION_S = 31_536_000


@dataclass(slots=True)
class Settings:
    """What can be set on a running org.

    `propagation_s` is how long a new secret is unknown to the token endpoint. `max_apps` is how
    many apps the API makes room for, None for any number. The rest are the org's bad days:
    changes refused (`read_only`), apps that cannot be changed while policies are put in order
    (`reconciling`), and no API Access Management (`custom_servers`).
    """

    profile: Profile = "workforce"
    propagation_s: float = 0.0
    max_secrets_wording: MaxSecretsWording = "2026"
    max_apps: int | None = None
    read_only: bool = False
    reconciling: bool = False
    custom_servers: bool = True

    def __post_init__(self) -> None:
        for name, (fits, allowed) in _RULES.items():
            if not fits(getattr(self, name)):
                raise ValueError(f"{name} is {allowed}")


def _word_of(words: Iterable[str]) -> tuple[Callable[[object], bool], str]:
    known = (*words,)
    return known.__contains__, f"one of {', '.join(known)}"


_YES_OR_NO: tuple[Callable[[object], bool], str] = (lambda v: isinstance(v, bool), "true or false")
_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "profile": _word_of(PROFILES),
    "propagation_s": (
        lambda v: type(v) in (int, float) and 0 <= cast(float, v) <= LONGEST_PROPAGATION_S,
        f"a number of seconds, from 0 to {LONGEST_PROPAGATION_S}",
    ),
    "max_secrets_wording": _word_of(MAX_SECRETS_WORDINGS),
    "max_apps": (
        lambda v: v is None or (type(v) is int and v >= 0),
        "a whole number from 0, or null for any number",
    ),
    "read_only": _YES_OR_NO,
    "reconciling": _YES_OR_NO,
    "custom_servers": _YES_OR_NO,
}
"""What may be set: a test of the value, and the words for it."""


class SettingsChange(TypedDict, total=False):
    """Which settings to change, and to what."""

    profile: Profile
    propagation_s: float
    max_secrets_wording: MaxSecretsWording
    max_apps: int | None
    read_only: bool
    reconciling: bool
    custom_servers: bool
