"""Read a fleet file: its text becomes what is wanted, or every finding at once, with its line."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.fleetfile.checking import problem, problems_of
from keyturn.domain.fleetfile.items import SECTIONS, Item, Kind, problem_of
from keyturn.domain.fleetfile.schema import FLEET
from keyturn.domain.flows.yaml_text import Node, NoYaml, parse_yaml
from keyturn.domain.names import is_slug
from keyturn.domain.okta import CredentialKind
from keyturn.domain.project import ROOT, ancestors
from keyturn.domain.selector import parse_selector

TEXT_MAX: Final = 768 * 1024
"""As many characters as a file has at most."""
NODES_MAX: Final = 100_000
PROBLEMS_MAX: Final = 50
DATES: Final = frozenset({"every", "cron", "intervalDays"})
"""One of them sets the dates of a schedule: what is said of one is not inherited of another."""
MERGED: Final = frozenset({"mapping", "schedule", "policy"})
NEEDED: Final = ("project", "environment", "connection")
OF_APPS: Final = frozenset(
    {"app", "client", "label", "owner", "grant", "auth", "group", "connection"}
)
"""What a rotation may be picked by: what an app is, not where its rotation would be."""


@dataclass(frozen=True)
class FleetFile:
    """What a file says; ``templates`` are the rotations of whole selections of apps."""

    items: tuple[Item, ...]
    templates: tuple[Item, ...]
    kinds: frozenset[Kind]
    prune: bool = False


def parse_fleet(text: str) -> FleetFile:
    """Parse a fleet file. Raises InvalidInput with all that is wrong in it, each with its line."""
    try:
        root = parse_yaml(text, text_max=TEXT_MAX, nodes_max=NODES_MAX)
    except NoYaml as error:
        raise InvalidInput(problem("file", _of_fleet(error.rule), error.line)) from None
    _require(problems_of(root, FLEET))
    sections: dict[str, Node] = root.of  # type: ignore[assignment]
    items = [each for name in SECTIONS if name in sections for each in _items(name, sections)]
    templates = [each for each in items if "select" in each.fields]
    plain = [each for each in items if "select" not in each.fields]
    _require(_inconsistent(plain, templates))
    kinds = frozenset(kind for name in SECTIONS if name in sections for kind in SECTIONS[name])
    prune = "prune" in sections and sections["prune"].of is True
    return FleetFile(tuple(plain), tuple(templates), kinds, prune)


def _of_fleet(rule: str) -> str:
    """Say of a fleet file what the reader of flows says of a flow."""
    return rule.replace("one flow", "one fleet").replace("a flow", "a fleet file")


def _require(problems: Iterator[FieldProblem]) -> None:
    found = [each for each, _ in zip(problems, range(PROBLEMS_MAX), strict=False)]
    if found:
        raise InvalidInput(*found)


def _items(section: str, sections: Mapping[str, Node]) -> Iterator[Item]:
    nodes: list[Node] = sections[section].of  # type: ignore[assignment]
    defaults: Any = sections["defaults"].plain if "defaults" in sections else {}
    for node in nodes:
        told: Any = node.plain
        if section == "projects":
            yield from _of_project(node)
        elif section == "rotations":
            yield _rotation(_merged(defaults, told), node.line)
        elif section == "identities":
            yield from _of_identity(told, node.line)
        else:
            yield _PLAIN[section](told, node.line)


def _of_project(node: Node) -> Iterator[Item]:
    members: dict[str, Node] = node.of  # type: ignore[assignment]
    slug, name = str(members["slug"].of), members.get("name")
    yield Item(Kind.PROJECT, (slug,), {"name": name.of} if name else {}, node.line)
    environments: Any = members["environments"].of if "environments" in members else ()
    for each in environments:
        told: Any = each.plain
        key = (slug, told["slug"])
        fields = {"name": told["name"]} if "name" in told else {}
        yield Item(Kind.ENVIRONMENT, key, fields, each.line)
        above = {path: None for one in told.get("folders", ()) for path in ancestors(one)}
        folders = sorted(path for path in above if path != ROOT)
        yield from (Item(Kind.FOLDER, (*key, path), {}, each.line) for path in folders)


def _merged(defaults: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    both = {**defaults, **told}
    return both | {
        name: {**_inherited(defaults[name], told[name]), **told[name]}
        for name in MERGED
        if name in defaults and name in told
    }


def _inherited(defaults: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
    left_out = DATES if DATES & {*told} else frozenset()
    return {name: each for name, each in defaults.items() if name not in left_out}


def _rotation(told: dict[str, Any], line: int) -> Item:
    key = tuple(told.pop(n, d) for n, d in (("project", ""), ("environment", ""), ("path", ROOT)))
    name = told.pop("name")
    mapping = told.get("mapping", {})
    if "select" not in told:
        filled = {each: filled_in(text, name) for each, text in mapping.items()}
        told["mapping"] = filled
    return Item(Kind.ROTATION, (*key, name), told, line)


def filled_in(text: str, name: str) -> str:
    """Return the name of a secret with that of its rotation, as variables are written.

    No variable begins with a digit: an underscore comes before it.
    """
    filled = text.replace("{NAME}", name.upper().replace("-", "_"))
    return f"_{filled}" if text.startswith("{NAME}") and filled[0].isdigit() else filled


def _of_identity(told: dict[str, Any], line: int) -> Iterator[Item]:
    name = told["name"]
    fields = {"role": told["role"]} if "role" in told else {}
    yield Item(Kind.IDENTITY, (name,), fields, line)
    for project, roles in told.get("projects", {}).items():
        yield Item(Kind.ROLES, (name, project), {"roles": tuple(sorted(set(roles)))}, line)


def _connection(told: dict[str, Any], line: int) -> Item:
    return Item(Kind.CONNECTION, (told.pop("name"),), told, line)


def _destination(told: dict[str, Any], line: int) -> Item:
    place = (told.pop("project"), told.pop("environment"), told.pop("path", ROOT))
    if "secrets" in told:
        told["secrets"] = tuple(dict.fromkeys(told["secrets"]))
    return Item(Kind.DESTINATION, (*place, told.pop("name")), told, line)


def _policy(told: dict[str, Any], line: int) -> Item:
    return Item(Kind.POLICY, (told.pop("name"),), told, line)


def _channel(told: dict[str, Any], line: int) -> Item:
    if "kinds" in told:
        told["kinds"] = tuple(sorted({*told["kinds"]}))
    return Item(Kind.CHANNEL, (told.pop("name"),), told, line)


def _role(told: dict[str, Any], line: int) -> Item:
    place = (told.pop("project"),) if "project" in told else ()
    told["grants"] = [grant_fields(each) for each in told["grants"]]
    return Item(Kind.ROLE, (*place, told.pop("slug")), told, line)


def grant_fields(told: Mapping[str, Sequence[str]]) -> Mapping[str, object]:
    """Return a grant of a role as it is compared: what is empty holds everywhere."""
    members = {name: [*each] for name, each in told.items() if each}
    return members | {"verbs": sorted({*told["verbs"]})}


def _exception(told: dict[str, Any], line: int) -> Item:
    return exception_item({"policy": "", "kinds": (), **told}, line)


def exception_item(told: Mapping[str, Any], line: int = 0) -> Item:
    """Return an exception; it is known again by what it excuses, for it has no name."""
    kinds = tuple(sorted({*told["kinds"]}))
    try:
        selector = str(parse_selector(told["selector"]))
    except InvalidInput:
        selector = told["selector"]  # told of with all else that is wrong
    fields = {**told, "kinds": kinds, "selector": selector}
    what, whose = ", ".join(kinds) or "all findings", told["policy"] or "every policy"
    return Item(Kind.EXCEPTION, (f"{what} of {whose}: {selector}",), fields, line)


def parse_moment(text: str) -> datetime:
    """Return a day or a moment in UTC. Raises ValueError for one that is in no calendar."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_PLAIN: Final = {
    "connections": _connection,
    "destinations": _destination,
    "channels": _channel,
    "roles": _role,
    "compliancePolicies": _policy,
    "policyExceptions": _exception,
}


def _inconsistent(items: Sequence[Item], templates: Sequence[Item]) -> Iterator[FieldProblem]:
    for ident, count in Counter(each.id for each in items).items():
        if count > 1:
            again = [each for each in items if each.id == ident][1]
            yield problem_of(again, "name", "is in the file twice")
    for item in (*items, *templates):
        if item.kind in _RULES:
            yield from _RULES[item.kind](item)


def _of_roles(item: Item) -> Iterator[FieldProblem]:
    if not (item.fields["roles"] and is_slug(item.key[1])):
        yield problem_of(item, "roles", "must be some roles in a project by its slug")


def _of_connection(item: Item) -> Iterator[FieldProblem]:
    if (item.fields["method"] == "oauth-service-app") is not ("clientId" in item.fields):
        yield problem_of(item, "clientId", "must be given for a service app, and only for one")


def _of_exception(item: Item) -> Iterator[FieldProblem]:
    yield from _of_selector(item)
    try:
        parse_moment(str(item.fields["expiresAt"]))
    except ValueError:
        yield problem_of(item, "expiresAt", "must be a day, or a moment, that is in the calendar")


def _of_rotation(item: Item) -> Iterator[FieldProblem]:
    said = {**dict(zip(NEEDED, item.key, strict=False)), **item.fields}
    for name in NEEDED:
        if not said.get(name):
            yield problem_of(item, name, "Required, here or in defaults")
    mapping: Any = item.fields.get("mapping", {})
    for name in ("clientId", "clientSecret"):
        if name not in mapping:
            yield problem_of(item, f"mapping.{name}", "Required, here or in defaults")
    if ("app" in item.fields) is ("select" in item.fields):
        yield problem_of(item, "app", "must be given, or select instead")
    if "select" in item.fields:
        yield from _of_selector(item, "select", OF_APPS)
        yield from _of_template(item)
    elif not is_slug(item.key[-1]):
        yield problem_of(item, "name", "must be a slug; a template goes with select")


def _of_template(item: Item) -> Iterator[FieldProblem]:
    if "{" not in item.key[-1]:
        yield problem_of(item, "name", "must hold {label-slug} or {app}: there are many apps")
    if item.fields.get("type") == CredentialKind.API_SERVICE_SECRET:
        told = "has no select: no inventory lists API services, so each is named by app"
        yield problem_of(item, "type", told)
    if not all("{NAME}" in text for text in _texts(item.fields.get("mapping", {}))):
        yield problem_of(item, "mapping", "must hold {NAME} in each name: there are many apps")


def _texts(mapping: Any) -> Sequence[str]:  # noqa: ANN401  a mapping of texts
    return [str(each) for each in mapping.values()]


def _of_selector(
    item: Item, name: str = "selector", allowed: frozenset[str] | None = None
) -> Iterator[FieldProblem]:
    try:
        selector = parse_selector(str(item.fields.get(name, "")))
    except InvalidInput as error:
        yield problem_of(item, name, error.problems[0].rule)
        return
    if allowed is not None and not allowed >= set(selector.by_name):
        yield problem_of(item, name, f"must pick apps by {', '.join(sorted(allowed))}")


_RULES: Final[Mapping[Kind, Callable[[Item], Iterator[FieldProblem]]]] = {
    Kind.ROTATION: _of_rotation,
    Kind.CONNECTION: _of_connection,
    Kind.POLICY: _of_selector,
    Kind.EXCEPTION: _of_exception,
    Kind.CHANNEL: _of_selector,
    Kind.ROLES: _of_roles,
}


def with_fields(item: Item, **fields: object) -> Item:
    """Return a thing that says this besides."""
    return replace(item, fields={**item.fields, **fields})
