"""Values that nobody may find, the spellings in which they are looked for, and where."""

import base64
import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx2

PART = 16
"""A part of this length, from either end, counts as the value: half of one is a leak as well."""

SHORTEST = 12
BEGIN = 8
"""By so many bytes a spelling is recognised at first: there are thousands of them."""

SECRET_FIELDS = frozenset(
    {
        "accessToken",
        "apiToken",
        "clientSecret",
        "existingValue",
        "jwt",
        "newPassword",
        "oldPassword",
        "password",
        "privateKey",
        "secretValue",
        "value",
    }
)
CREDENTIAL = "credential"
"""Here every word stands for a secret."""

HARMLESS = frozenset({"secretsMapping", "settings"})
"""Here the same words stand for names, and for what a server runs with, secrets masked."""


def _base64(raw: bytes) -> Iterator[bytes]:
    """Spell a part as it looks inside of something longer, at any of three beginnings."""
    for ahead in range(3):
        first, last = -(-ahead * 4 // 3), (ahead + len(raw)) * 4 // 3
        padded = bytes(ahead) + raw + bytes(2)
        for spell in (base64.b64encode, base64.urlsafe_b64encode):
            yield spell(padded)[first:last]


def _of_text(spell: Callable[[str], Iterable[str | bytes]]) -> Callable[[bytes], Iterator[bytes]]:
    def spelled(raw: bytes) -> Iterator[bytes]:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return
        for told in spell(text):
            yield told.encode() if isinstance(told, str) else told

    return spelled


SPELLINGS: Mapping[str, Callable[[bytes], Iterable[bytes]]] = {
    "plain": lambda raw: [raw],
    "hex": lambda raw: [raw.hex().encode(), raw.hex().upper().encode()],
    "base64": _base64,
    "percent": _of_text(lambda text: [quote(text, safe=""), quote_plus(text)]),
    "utf-16": _of_text(lambda text: [text.encode("utf-16-le"), text.encode("utf-16-be")]),
    "json": _of_text(
        lambda text: [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]
    ),
    "repr": _of_text(lambda text: [repr(text)[1:-1]]),
    "html": _of_text(lambda text: [html.escape(text)]),
}


def parts(value: str | bytes) -> Iterator[bytes]:
    """Return the two ends of a value; of a text they are cut between characters."""
    for one in dict.fromkeys((value[:PART], value[-PART:])):
        yield one.encode() if isinstance(one, str) else one


@dataclass
class Canaries:
    """What must not be found."""

    values: set[str | bytes] = field(default_factory=set)
    harmless: set[str] = field(default_factory=set)

    def learn(self, told: object, within: str = "") -> None:
        """Take every secret value out of a JSON document; a JSON Schema has names alone."""
        if isinstance(told, list):
            for each in told:
                self.learn(each, within)
        if not isinstance(told, dict) or "$schema" in told:
            return
        for name, each in told.items():
            secret = within == CREDENTIAL or (name in SECRET_FIELDS and within not in HARMLESS)
            if isinstance(each, str) and secret:
                self.add(_private(each) if name == "privateKey" else each)
            self.learn(each, name)

    def add(self, value: str | bytes) -> None:
        """Look for a value, unless it is too short to be told from chance, or no secret."""
        if len(value) >= SHORTEST and value not in self.harmless:
            self.values.add(value)

    def patterns(self) -> Iterator[tuple[bytes, str]]:
        """Return what to look for, and the spelling that it stands for."""
        for value, (name, spell) in product(self.values, SPELLINGS.items()):
            for part in parts(value):
                yield from ((pattern, name) for pattern in spell(part))


def found(canaries: Canaries, places: Mapping[str, bytes]) -> list[str]:
    """Tell where a value was found, and in which spelling; never the value."""
    begun: dict[bytes, list[tuple[bytes, str]]] = {}
    for pattern, name in canaries.patterns():
        begun.setdefault(pattern[:BEGIN], []).append((pattern, name))
    return sorted(
        {
            f"{where}: {name}"
            for where, blob in places.items()
            for at in range(len(blob))
            if (fitting := begun.get(blob[at : at + BEGIN]))
            for pattern, name in fitting
            if blob.startswith(pattern, at)
        }
    )


def files_of(*folders: Path, without: Iterable[Path] = ()) -> dict[str, bytes]:
    """Return every file below some folders, but for those that may hold a secret."""
    left_out = set(without)
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in left_out
    }


@dataclass
class Heard:
    """What a server was asked and what it answered; secret values in either are learned.

    Kept is what no value may be in: every error, and what is not ``disclosing``, by its method and
    path.
    """

    canaries: Canaries
    disclosing: Callable[[str], bool]
    answers: dict[str, bytes] = field(default_factory=dict)

    async def note(self, answer: httpx2.Response) -> None:
        """Take note of an answer; a hook of the client."""
        await answer.aread()
        request, status = answer.request, answer.status_code
        self.canaries.learn(_json(request.content))
        self.canaries.learn(_json(answer.content))
        asked = f"{request.method} {request.url.path}"
        if status >= 400 or not self.disclosing(asked):
            told = repr(answer.headers.raw).encode() + answer.content
            self.answers[f"{asked}: {status}, no. {len(self.answers)}"] = told


def _private(jwk: str) -> str:
    """Return what makes a key private; the rest of its JWK is anybody's."""
    told = _json(jwk.encode())
    return str(told["d"]) if isinstance(told, dict) and "d" in told else jwk


def _json(content: bytes) -> Any:  # noqa: ANN401  JSON
    try:
        return json.loads(content)
    except ValueError:
        return None
