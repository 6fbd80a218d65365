"""Which credentials the changes of a fleet file take, and where those come from."""

from collections.abc import Iterable, Mapping, Sequence

from keyturn.domain.errors import FieldProblem
from keyturn.domain.fleetfile.items import CREDENTIAL, Action, Change, Kind, problem_of
from keyturn.services.channels import REACHED_BY

LEADING = {
    Kind.CONNECTION: frozenset({"instanceUrl", "method", "clientId"}),
    Kind.DESTINATION: frozenset({"settings"}),
    Kind.CHANNEL: frozenset({"settings"}),
}
"""Where a credential is sent to, which takes it anew."""


def sent_with(change: Change) -> Mapping[str, object]:
    """Return where the credentials that a change takes come from; none where none is sent."""
    told = change.item.fields.get(CREDENTIAL)
    if change.action is Action.DELETE or not (
        change.action is Action.CREATE or _leads_elsewhere(change)
    ):
        return {}
    of_connection = {CREDENTIAL: told} if change.item.kind is Kind.CONNECTION else {}
    return told if isinstance(told, Mapping) else of_connection


def references_of(changes: Iterable[Change]) -> Sequence[str]:
    """Return where all the credentials come from that some changes take."""
    found = (str(each) for change in changes for each in sent_with(change).values())
    return [*dict.fromkeys(found)]


def without_credential(changes: Iterable[Change]) -> Iterable[FieldProblem]:
    """Return what is wrong where a credential is needed, and it is not said where it comes from."""
    for change in changes:
        for name, told in sent_with(change).items():
            if told in {None, "kept"}:
                rule = "is needed: say env:NAME, file:PATH or stdin"
                field = name if name == CREDENTIAL else f"{CREDENTIAL}.{name}"
                yield problem_of(change.item, field, rule)


def _leads_elsewhere(change: Change) -> bool:
    kind = change.item.kind
    leading = (each for each in change.fields if each.name in LEADING.get(kind, ()))
    return any(way_of(kind, each.before) != way_of(kind, each.after) for each in leading)


def way_of(kind: Kind, told: object) -> object:
    """Return what of settings leads a credential somewhere; whom a mail goes to does not."""
    if kind is not Kind.CHANNEL or not isinstance(told, Mapping):
        return told
    return {name: each for name, each in told.items() if name not in REACHED_BY}
