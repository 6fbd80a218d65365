"""Rotations of a whole selection: one for each app that the inventory knows and a selector picks.

Names stay the same while the apps are taken over one after the other: a template's name that fits
two of the apps is told apart by their ids from the start.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyturn.domain.fleetfile.items import Item
from keyturn.domain.fleetfile.reading import filled_in
from keyturn.domain.names import SLUG_MAX, slugified
from keyturn.domain.selector import Subject, parse_selector

Key = tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """An app that could be taken over, or that the rotation ``kept`` keeps already."""

    subject: Subject
    kept: Key | None = None


def expanded(template: Item, candidates: Iterable[Candidate], taken: set[Key]) -> Sequence[Item]:
    """Return one rotation for each app that is picked; ``taken`` names are told apart as well.

    Of an app that is kept already the rotation stays where it is, and is called as it is.
    """
    fits = parse_selector(str(template.fields["select"])).fits
    picked = [each for each in candidates if fits(each.subject)]
    wished = Counter(_name(template, each) for each in picked)
    made = []
    for each in picked:
        name = _name(template, each)
        crowded = wished[name] > 1 or (*template.key[:3], name) in taken
        key = each.kept or (*template.key[:3], _apart(name, each) if crowded else name)
        made.append(_filled(template, each, key))
    return made


def _name(template: Item, candidate: Candidate) -> str:
    name = template.key[-1].replace("{label-slug}", slugified(candidate.subject.label))
    name = name.replace("{app}", slugified(candidate.subject.app))
    return "-".join(part for part in name[:SLUG_MAX].split("-") if part)


def _apart(name: str, candidate: Candidate) -> str:
    app = slugified(candidate.subject.app)
    return f"{name[: SLUG_MAX - len(app) - 1].rstrip('-')}-{app}"


def _filled(template: Item, candidate: Candidate, key: Key) -> Item:
    fields = {name: told for name, told in template.fields.items() if name != "select"}
    if candidate.kept:
        for name in ("mapping", "connection", "type"):
            fields.pop(name, None)
    else:
        mapping: dict[str, str] = fields["mapping"]  # type: ignore[assignment]
        fields["mapping"] = {each: filled_in(text, key[-1]) for each, text in mapping.items()}
    return Item(template.kind, key, fields | {"app": candidate.subject.app}, template.line)
