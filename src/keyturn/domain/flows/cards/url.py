"""Cards about addresses (RFC 3986) and their queries."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from keyturn.domain.flows.cards.computing import (
    Given,
    Object,
    computes,
    made_text,
    members,
    octets,
    read_text,
    require_light,
    text,
    written,
)
from keyturn.domain.flows.cards.text import GIVES_TEXT, TEXT
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind, Value

URL_MAX: Final = 100_000
FIELDS_MAX: Final = 1000
_QUERY: Final = Input(
    "query",
    Kind.OBJECT,
    "Texts, numbers and truths by name; a list is a name that comes several times, null is none; "
    f"{FIELDS_MAX:,} values at most.",
    required=False,
)


def _encode(given: Given) -> Given:
    told = read_text(given, "text")
    octets(told, "text")
    return {"text": made_text(quote(told, safe=""))}


def _decode(given: Given) -> Given:
    told = read_text(given, "text")
    if text(given, "plus") == "space":
        told = told.replace("+", " ")
    octets(told, "text")
    try:
        return {"text": unquote(told, errors="strict")}
    except UnicodeDecodeError:
        raise CardFailure(Failure.PARSE, "what text stands for is no text in UTF-8") from None


def _parse(given: Given) -> Given:
    told = text(given, "url")
    if len(told) > URL_MAX:
        raise wrong_input("url", f"must be at most {URL_MAX:,} characters")
    try:
        split = urlsplit(told)
        port, query = split.port, _fields(split)
    except ValueError:
        raise CardFailure(Failure.PARSE, "url must be an address as in RFC 3986") from None
    return {
        "scheme": split.scheme,
        "host": split.hostname or "",
        "port": port,
        "path": split.path,
        "query": query,
        "fragment": split.fragment,
    }


def _fields(split: SplitResult) -> Object:
    fields: dict[str, list[Value]] = {}
    pairs = parse_qsl(
        split.query, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX
    )
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: each if len(each) > 1 else each[0] for name, each in fields.items()}


def _build_query(given: Given) -> Given:
    return {"text": _query(given)}


def _query(given: Given) -> str:
    if given.get("query") is None:
        return ""
    require_light(given["query"], "query")
    pairs = [*islice(_pairs(members(given, "query")), FIELDS_MAX + 1)]
    if len(pairs) > FIELDS_MAX:
        raise wrong_input("query", f"must have at most {FIELDS_MAX:,} values")
    for name, value in pairs:
        octets(name + value, "query")
    return made_text(urlencode(pairs, quote_via=quote, safe=""))


def _pairs(query: Object) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict | list):
                raise wrong_input("query", "must have texts, numbers, truths or lists of them")
            if each is not None:
                yield name, written(each)


def _build(given: Given) -> Given:
    base, path = text(given, "base"), text(given, "path")
    if len(base) > URL_MAX or "?" in base or "#" in base:
        raise wrong_input("base", "must be an address without a query and a fragment")
    octets(path, "path")
    place = f"/{quote(path.lstrip('/'), safe='/')}" if path else ""
    query = _query(given)
    return {
        "url": made_text(
            f"{base.rstrip('/') if path else base}{place}{'?' if query else ''}{query}"
        )
    }


CARDS: Final = (
    computes(
        "url.encode",
        "Write a text so that it can stand anywhere in an address (RFC 3986 §2.1).",
        _encode,
        TEXT,
        outputs=GIVES_TEXT,
        example=({"text": "a b/ü"}, {"text": "a%20b%2F%C3%BC"}),
    ),
    computes(
        "url.decode",
        "Read a text as it stands in an address.",
        _decode,
        TEXT,
        Input(
            "plus",
            Kind.TEXT,
            "What a + means: itself as in a path, or a space as in a form.",
            required=False,
            default="plus",
            options=("plus", "space"),
        ),
        outputs=GIVES_TEXT,
        example=({"text": "a%20b%2F%C3%BC"}, {"text": "a b/ü"}),
        failures=(Failure.PARSE,),
    ),
    computes(
        "url.parse",
        "Take an address apart.",
        _parse,
        Input("url", Kind.TEXT, f"The address, {URL_MAX:,} characters at most."),
        outputs=(
            Output("scheme", Kind.TEXT, "As in `https`; empty where there is none."),
            Output("host", Kind.TEXT, "The host in small letters; empty where there is none."),
            Output("port", Kind.NUMBER, "The port; null where it says none."),
            Output("path", Kind.TEXT, "The path, as it is written."),
            Output("query", Kind.OBJECT, "Texts by name; lists where a name comes several times."),
            Output("fragment", Kind.TEXT, "What stands behind #, as it is written."),
        ),
        example=(
            {"url": "https://example.okta.com/api/v1/users?limit=2&q=a%20b#top"},
            {
                "scheme": "https",
                "host": "example.okta.com",
                "port": None,
                "path": "/api/v1/users",
                "query": {"limit": "2", "q": "a b"},
                "fragment": "top",
            },
        ),
        failures=(Failure.PARSE,),
    ),
    computes(
        "url.build_query",
        "Write an object as the query of an address.",
        _build_query,
        replace(_QUERY, required=True),
        outputs=(Output("text", Kind.TEXT, "The query, without ?."),),
        example=(
            {"query": {"filter": 'status eq "ACTIVE"', "limit": 2, "after": None}},
            {"text": "filter=status%20eq%20%22ACTIVE%22&limit=2"},
        ),
    ),
    computes(
        "url.build",
        "Put an address together.",
        _build,
        Input("base", Kind.TEXT, "How it begins: `https://example.okta.com`."),
        Input(
            "path",
            Kind.TEXT,
            "The path below it; all but its slashes is encoded.",
            required=False,
            default="",
        ),
        _QUERY,
        outputs=(Output("url", Kind.TEXT, "The address."),),
        example=(
            {
                "base": "https://example.okta.com",
                "path": "api/v1/users/ada@example.com",
                "query": {"expand": ["blocks", "x"]},
            },
            {
                "url": "https://example.okta.com/api/v1/users/ada%40example.com"
                "?expand=blocks&expand=x"
            },
        ),
    ),
)
