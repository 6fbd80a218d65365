"""What a caller may hand on to others: never more than the caller holds.

Decides by comparing grants, not places: what is handed on has to lie within one grant of the
caller's own, verb by verb. Where patterns are too clever to be compared the answer is no.
"""

from collections.abc import Iterable, Sequence

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb, fits
from keyturn.domain.ids import ProjectId

ANY = "*"
BELOW = "/**"


def excess(caller: Caller, handed: Iterable[Holding]) -> str:
    """Say what of these holdings the caller does not hold, or nothing."""
    for holding in handed:
        for verb in _unheld(caller, holding.role, holding.project_id):
            return f"the role {holding.role.slug} holds {verb}, which is more than the caller holds"
    return ""


def _unheld(caller: Caller, role: Role, project_id: ProjectId | None) -> Iterable[Verb]:
    """List the verbs of a role that the caller does not hold as widely, in that project."""
    grants = [
        grant
        for holding in caller.holdings
        if holding.project_id in (None, project_id)
        for grant in holding.role.grants
    ]
    for asked in role.grants:
        for verb in sorted(asked.verbs):
            if not any(verb in held.verbs and _covers(held, asked) for held in grants):
                yield verb


def _covers(held: Grant, asked: Grant) -> bool:
    """Say whether a grant holds wherever another one does."""
    return (
        _each_within(asked.environments, held.environments)
        and _each_within(asked.paths, held.paths)
        and _each_within(asked.connections, held.connections)
    )


def _each_within(asked: Sequence[str], held: Sequence[str]) -> bool:
    """Say whether a condition is as narrow as another; one without patterns is the widest."""
    if not held:
        return True
    return bool(asked) and all(_within(pattern, held) for pattern in asked)


def _within(pattern: str, held: Sequence[str]) -> bool:
    """Say whether all that a pattern fits is fitted by one of those held, as far as is plain."""
    if pattern in held or (ANY in held and "/" not in pattern):
        return True
    if ANY not in pattern:
        return any(fits(each, pattern) for each in held)
    return any(_below(pattern, each) for each in held)


def _below(pattern: str, held: str) -> bool:
    """Say whether a pattern lies in a whole tree of folders that is held."""
    tree = held.removesuffix(BELOW)
    return held.endswith(BELOW) and ANY not in tree and pattern.startswith(f"{tree}/")
