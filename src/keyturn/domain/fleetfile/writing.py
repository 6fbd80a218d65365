"""Write what there is as a fleet file that changes nothing."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from keyturn.domain.fleetfile.items import SECTIONS, Item, Kind

_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9/_.-]*")
_UNSEEN: Final = re.compile(r"[^\x20-\x7e\xa1-\u1fff]")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
INHERITED: Final = ("connection", "type", "schedule", "policy")
"""What rotations mostly say alike, and a new one may as well; a description is of one alone."""
HEAD: Final = "# What `keyturn fleet export` found; applied here it changes nothing.\nversion: 1\n"


def fleet_text(items: Sequence[Item]) -> str:
    """Return a fleet file of these things, without a value of any secret."""
    told = {name: [*_section(name, items)] for name in SECTIONS}
    defaults = _taken_out(told["rotations"])
    return (
        HEAD
        + _section_of(defaults)
        + "".join(
            f"{name}:\n{''.join(_lines(entries, 1))}" for name, entries in told.items() if entries
        )
    )


def _taken_out(rotations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Take what most rotations say out of them, and return it."""
    defaults = {}
    for name in INHERITED:
        said = Counter(_flow(each[name]) for each in rotations if name in each)
        if not said:
            continue
        [(text, _)] = said.most_common(1)
        usual = [each for each in rotations if name in each and _flow(each[name]) == text]
        defaults[name] = usual[0][name]
        for each in usual:
            del each[name]
    return defaults


def _section_of(defaults: Mapping[str, Any]) -> str:
    lines = (f"  {_text(name)}: {_flow(each)}\n" for name, each in defaults.items())
    return "".join(("defaults:\n", *lines)) if defaults else ""


def _section(name: str, items: Sequence[Item]) -> Iterator[dict[str, Any]]:
    near = [each for each in items if each.kind in SECTIONS[name]]
    for item in near:
        if item.kind is Kind.PROJECT:
            yield _project(item, near)
        elif item.kind is Kind.IDENTITY:
            roles = {each.key[1]: each.fields["roles"] for each in _under(item, near, Kind.ROLES)}
            yield {"name": item.key[0], **item.fields} | ({"projects": roles} if roles else {})
        elif item.kind is Kind.ROLE:
            *place, slug = item.key
            yield {"slug": slug, **({"project": place[0]} if place else {}), **item.fields}
        elif item.kind is Kind.EXCEPTION:
            yield {name: told for name, told in item.fields.items() if told}
        elif item.kind not in {Kind.ENVIRONMENT, Kind.FOLDER, Kind.ROLES}:
            yield _plain(item)


def _plain(item: Item) -> dict[str, Any]:
    fields = {name: told for name, told in item.fields.items() if told not in (None, {}, ())}
    if len(item.key) == 1:
        empty = {"project", "clientId"}
        kept = {name: told for name, told in fields.items() if told or name not in empty}
        return {"name": item.key[0], **kept}
    place = dict(zip(("project", "environment", "path", "name"), item.key, strict=True))
    return {"name": place.pop("name"), **place, **fields}


def _project(item: Item, near: Sequence[Item]) -> dict[str, Any]:
    environments = []
    for each in _under(item, near, Kind.ENVIRONMENT):
        folders = [one.key[2] for one in _under(each, near, Kind.FOLDER)]
        told = {"slug": each.key[1], **each.fields}
        environments.append(told | ({"folders": folders} if folders else {}))
    return {"slug": item.key[0], **item.fields, "environments": environments}


def _under(item: Item, near: Sequence[Item], kind: Kind) -> list[Item]:
    return [each for each in near if each.kind is kind and each.key[: len(item.key)] == item.key]


def _lines(entries: Sequence[Mapping[str, Any]], depth: int) -> Iterator[str]:
    blank = "  " * depth
    for entry in entries:
        for number, (name, told) in enumerate(entry.items()):
            lead = f"{blank}{'  ' if number else '- '}{_text(name)}:"
            if isinstance(told, list | tuple) and told and isinstance(told[0], dict):
                yield f"{lead}\n"
                yield from _lines(told, depth + 2)
            else:
                yield f"{lead} {_flow(told)}\n"


def _flow(told: object) -> str:
    if isinstance(told, Mapping):
        return "{" + ", ".join(f"{_text(n)}: {_flow(each)}" for n, each in told.items()) + "}"
    if isinstance(told, list | tuple):
        return "[" + ", ".join(map(_flow, told)) + "]"
    return _text(told) if isinstance(told, str) else json.dumps(told)


def _text(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else _UNSEEN.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    return f"\\U{ord(found[0]):08X}"
