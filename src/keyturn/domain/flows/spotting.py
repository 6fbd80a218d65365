"""What looks like a key or a token in a text, and what is called as secrets are.

Decides by form and by names, and never quotes what it finds. Names of things, addresses and
references are told apart from secrets by how they are made.
"""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import Final

from keyturn.domain.flows.findings import Finding
from keyturn.domain.flows.yaml_text import ends_of_lines

FOUND_MAX: Final = 50
HEX_BITS: Final = 3.0
"""Bits of entropy that each character of a random text of 32 has at least, in base 16."""
MIXED_BITS: Final = 4.0
"""The same, where capitals, small letters and digits are mixed."""
_FORMS: Final = {
    "pem": (re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----"), "a key or certificate in PEM"),
    "jwt": (re.compile(r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}"), "a JWT"),
    "ssws": (re.compile(r"\bSSWS +[A-Za-z0-9_-]{16,}"), "an API token of Okta"),
    "bearer": (re.compile(r"(?i:\b(?:Bearer|DPoP)) +[A-Za-z0-9._~+/-]{16,}"), "an access token"),
    "issued": (
        re.compile(
            r"(?<![A-Za-z0-9])(?:[rs]k_(?:live|test)_[A-Za-z0-9]{8,}|gh[oprsu]_[A-Za-z0-9]{30,}|"
            r"github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}|"
            r"A[KS]IA[A-Z0-9]{16}|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_[A-Za-z0-9]{36})"
        ),
        "a key that a service has issued",
    ),
    "address": (
        re.compile(r"://[^\s/?#:@\"'{}]+:[^\s/?#@\"'{}]+@"),
        "a password in an address",
    ),
}
_CALLED: Final = re.compile(
    r"(?:^|[^a-z])(?:authorization|passw(?:or)?d|secret|client_?secret|api_?key|private_?key|"
    r"access_?token|refresh_?token|x-api-key|bearer)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PARAMETER: Final = re.compile(r"[?&]([A-Za-z0-9_.-]{1,60})=[^&#\s]")
_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_WORD: Final = re.compile(r"[a-z]{3,}|v[0-9]+")
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_CLASSES: Final = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))


def find_keys(text: str) -> list[Finding]:
    """Return where something looks like a key or a token, one finding a line."""
    told: dict[int, str] = {}
    ends = ends_of_lines(text)
    for at, what in _spots(text):
        if len(told) == FOUND_MAX:
            break
        told.setdefault(bisect_right(ends, at) + 1, what)
    rule = "looks like {}: keep it as a secret, and write {{{{ secrets.name }}}}"
    return [Finding(line, "", rule.format(what)) for line, what in sorted(told.items())]


def looks_secret(text: str) -> bool:
    """Say whether something in a text looks like a key or a token."""
    return any(True for _ in _spots(text))


def is_called_secret(name: str) -> bool:
    """Say whether what has this name is a secret, by what everybody calls them."""
    return _CALLED.search(_WORDS.sub("_", name)) is not None


def has_secret_parameter(text: str) -> bool:
    """Say whether an address in a text has a parameter that is called as secrets are."""
    return any(is_called_secret(name) for name in _PARAMETER.findall(text))


def _spots(text: str) -> Iterator[tuple[int, str]]:
    for form, what in _FORMS.values():
        for found in form.finditer(text):
            yield found.start(), what
    for found in _RUN.finditer(text):
        if _is_random(found.group()):
            yield found.start(), "a random key"


def _is_random(run: str) -> bool:
    parts = run.split("/")
    if len(parts) > 1 and any(map(_WORD.fullmatch, parts)):
        return any(len(part) >= 32 and _is_random(part) for part in parts)
    if _HEX.fullmatch(run) and _CLASSES[2].search(run):
        return _bits(run) >= HEX_BITS
    return all(each.search(run) for each in _CLASSES) and _bits(run) >= MIXED_BITS


def _bits(run: str) -> float:
    """Return the entropy of a text, in bits a character."""
    counts = Counter(run).values()
    return -sum(count / len(run) * math.log2(count / len(run)) for count in counts)
