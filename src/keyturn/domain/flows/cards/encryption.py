"""Cards about digests, codes that prove who wrote a text, and texts for octets.

Decides which algorithms there are. Nothing is random here, so that done again it comes to the same.
Signatures with keys that others may know are `jwt.sign`.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from keyturn.domain.flows.cards.computing import Given, computes, made_text, octets, text
from keyturn.domain.flows.cards.examples import flow_of
from keyturn.domain.flows.cards.text import GIVES_TEXT, RESULT, TEXT
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind

ENCODE: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "hex": binascii.hexlify,
    "base64": base64.b64encode,
    "base64url": lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"="),
}
HASHES: Final = ("sha256", "sha384", "sha512", "sha1", "md5")
HMACS: Final = ("sha256", "sha384", "sha512", "sha1")

_ENCODING: Final = Input(
    "encoding",
    Kind.TEXT,
    "How it is written; base64url has no padding.",
    required=False,
    default="hex",
    options=(*ENCODE,),
)
_OLD: Final = "SHA-1 and MD5 are broken: only for old services that take nothing else."


_SIGNED: Final[Given] = {"text": "what do ya want for nothing?", "key": "{{ secrets.key }}"}


def _encoded(raw: bytes, encoding: str) -> str:
    return made_text(ENCODE[encoding](raw).decode("ascii"))


def _decoded(given: Given, name: str, encoding: str) -> bytes:
    """Return octets that a text stands for. Raises CardFailure."""
    try:
        return DECODE[encoding](text(given, name).encode("ascii"))
    except ValueError:  # no ASCII, or binascii.Error
        raise CardFailure(Failure.PARSE, f"{name} must be {encoding}") from None


def _from_base64(told: bytes, altchars: bytes | None = None) -> bytes:
    bare = told.rstrip(b"=")
    return base64.b64decode(bare + b"=" * (-len(bare) % 4), altchars, validate=True)


DECODE: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "hex": binascii.unhexlify,
    "base64": _from_base64,
    "base64url": lambda told: _from_base64(told, b"-_"),
}


def _hash(given: Given) -> Given:
    digest = hashlib.new(text(given, "algorithm"), usedforsecurity=False)
    digest.update(octets(text(given, "text"), "text"))
    return {"text": _encoded(digest.digest(), text(given, "encoding"))}


def _hmac(given: Given) -> Given:
    message = octets(text(given, "text"), "text")
    digest = hmac.digest(_key(given), message, text(given, "algorithm"))
    return {"text": _encoded(digest, text(given, "encoding"))}


def _key(given: Given) -> bytes:
    encoding = text(given, "key_encoding")
    if encoding != "text":
        key = _decoded(given, "key", encoding)
    else:
        key = octets(text(given, "key"), "key")
    if not key:
        raise wrong_input("key", "must not be empty")
    return key


def _encode(given: Given) -> Given:
    return {"text": _encoded(octets(text(given, "text"), "text"), text(given, "encoding"))}


def _decode(given: Given) -> Given:
    raw = _decoded(given, "text", text(given, "encoding"))
    try:
        return {"text": raw.decode()}
    except UnicodeDecodeError:
        raise CardFailure(Failure.PARSE, "what text stands for is no text in UTF-8") from None


def _compare(given: Given) -> Given:
    a, b = octets(text(given, "a"), "a"), octets(text(given, "b"), "b")
    return {"result": hmac.compare_digest(a, b)}


CARDS: Final = (
    computes(
        "encryption.hash",
        f"Return the digest of a text in UTF-8. {_OLD}",
        _hash,
        TEXT,
        Input(
            "algorithm",
            Kind.TEXT,
            "The algorithm (FIPS 180-4).",
            required=False,
            default="sha256",
            options=HASHES,
        ),
        _ENCODING,
        outputs=(Output("text", Kind.TEXT, "The digest."),),
        example=(
            {"text": "abc", "algorithm": "sha256"},
            {"text": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        ),
    ),
    replace(
        computes(
            "encryption.hmac",
            "Return a code that proves that whoever made it has the key (RFC 2104).",
            _hmac,
            TEXT,
            Input("key", Kind.TEXT, "The key.", secret=True),
            Input(
                "algorithm",
                Kind.TEXT,
                "The digest; SHA-1 only for old services that take nothing else.",
                required=False,
                default="sha256",
                options=HMACS,
            ),
            _ENCODING,
            Input(
                "key_encoding",
                Kind.TEXT,
                "How the key is written: as a text in UTF-8, or in what stands for its octets.",
                required=False,
                default="text",
                options=("text", *ENCODE),
            ),
            outputs=(Output("text", Kind.TEXT, "The code."),),
            example=(
                _SIGNED,
                {"text": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
            ),
            failures=(Failure.PARSE,),
        ),
        example=flow_of(
            {"card": "encryption.hmac", "with": {**_SIGNED}}, secrets={"key": "/okta/SIGNING_KEY"}
        ),
    ),
    computes(
        "encryption.encode",
        "Write a text's octets in UTF-8 as hex, base64 or base64url (RFC 4648); it hides nothing.",
        _encode,
        TEXT,
        replace(_ENCODING, default="base64"),
        outputs=GIVES_TEXT,
        example=({"text": "client:secret?"}, {"text": "Y2xpZW50OnNlY3JldD8="}),
    ),
    computes(
        "encryption.decode",
        "Read a text from hex, base64 or base64url.",
        _decode,
        TEXT,
        replace(_ENCODING, default="base64", doc="How it is written; padding may lack."),
        outputs=GIVES_TEXT,
        example=(
            {"text": "eyJhbGciOiJub25lIn0", "encoding": "base64url"},
            {"text": '{"alg":"none"}'},
        ),
        failures=(Failure.PARSE,),
    ),
    computes(
        "encryption.compare",
        "Say whether two texts are the same, in a time that does not tell where they differ.",
        _compare,
        Input("a", Kind.TEXT, "The first text."),
        Input("b", Kind.TEXT, "The second text."),
        outputs=(RESULT,),
        example=({"a": "5bdcc146", "b": "5bdcc147"}, {"result": False}),
    ),
)
