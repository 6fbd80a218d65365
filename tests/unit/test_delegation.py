"""What may be handed on: as much as is held, as widely as it is held, and where it is held."""

from dataclasses import replace

import pytest

from keyturn.domain.access import (
    ADMIN,
    BUILT_IN,
    DEVELOPER,
    VIEWER,
    Caller,
    Grant,
    Holding,
    Role,
    Verb,
)
from keyturn.domain.delegation import excess
from keyturn.domain.ids import OrganizationId, ProjectId

HERE, ELSEWHERE = ProjectId("here"), ProjectId("elsewhere")
NOBODY = Caller("i", "machine", OrganizationId("o"), ())
READ = frozenset({Verb.READ_SECRETS})


def holder(*holdings: Holding) -> Caller:
    """Return a caller who holds these."""
    return replace(NOBODY, holdings=holdings)


def custom(*grants: Grant) -> Role:
    """Return a role of these grants."""
    return Role("custom", "Custom", grants)


@pytest.mark.parametrize("slug", BUILT_IN)
def test_an_administrator_may_hand_on_everything(slug: str) -> None:
    """Who holds all of it everywhere gives any role in any project, and above them."""
    for project in (None, HERE):
        assert not excess(holder(Holding(ADMIN)), [Holding(BUILT_IN[slug], project)])


@pytest.mark.parametrize(
    ("held", "asked", "more"),
    [
        (Holding(ADMIN, HERE), Holding(ADMIN, HERE), False),
        (Holding(ADMIN, HERE), Holding(VIEWER, ELSEWHERE), True),
        (Holding(ADMIN, HERE), Holding(VIEWER, None), True),
        (Holding(DEVELOPER, None), Holding(VIEWER, HERE), False),
        (Holding(DEVELOPER, HERE), Holding(ADMIN, HERE), True),
        (Holding(VIEWER, HERE), Holding(DEVELOPER, HERE), True),
    ],
)
def test_a_role_is_handed_on_where_all_of_it_is_held(
    held: Holding, asked: Holding, *, more: bool
) -> None:
    """A verb too many, or a project too many, and it is refused with the verb."""
    told = excess(holder(held), [asked])
    assert bool(told) == more
    assert not told or told.startswith(f"the role {asked.role.slug} holds ")


def test_several_roles_together_are_what_is_held() -> None:
    """Each verb may come from another role of the caller's."""
    writing = custom(Grant(frozenset({Verb.EDIT_SECRETS})))
    both = custom(Grant(READ | {Verb.EDIT_SECRETS}))
    caller = holder(Holding(VIEWER, HERE), Holding(writing, None))
    assert not excess(caller, [Holding(both, HERE)])
    assert "secrets:read" in excess(caller, [Holding(both, ELSEWHERE)])


@pytest.mark.parametrize(
    ("held", "asked", "more"),
    [
        ((), ("dev",), False),
        (("dev",), (), True),
        (("dev",), ("dev",), False),
        (("dev",), ("dev", "prod"), True),
        (("dev-*",), ("dev-eu",), False),
        (("dev-*",), ("dev-*",), False),
        (("dev-eu-*",), ("dev-*",), True),
        (("dev-*",), ("dev-eu-*",), True),  # within it, but not plainly so
        (("*",), ("dev-*", "prod"), False),
    ],
)
def test_environments_are_compared(
    held: tuple[str, ...], asked: tuple[str, ...], *, more: bool
) -> None:
    """No pattern may reach further than one that is held; in doubt it is refused."""
    caller = holder(Holding(custom(Grant(READ, held)), HERE))
    assert bool(excess(caller, [Holding(custom(Grant(READ, asked)), HERE)])) == more


@pytest.mark.parametrize(
    ("held", "asked", "more"),
    [
        ("/a/**", "/a", False),
        ("/a/**", "/a/b/c", False),
        ("/a/**", "/a/**", False),
        ("/a/**", "/a/b/**", False),
        ("/a/**", "/a/*/c", False),
        ("/a/**", "/ab/**", True),
        ("/a/**", "/**", True),
        ("/a/*", "/a/b", False),
        ("/a/*", "/a/**", True),
        ("/a/*", "/a/b/c", True),
        ("/**", "/a/*", False),
        ("/*/b/**", "/a/b/**", True),  # within it, but not plainly so
        ("*", "/a", True),
    ],
)
def test_paths_are_compared(held: str, asked: str, *, more: bool) -> None:
    """A folder lies in the tree above it; a tree does not lie in a single folder."""
    caller = holder(Holding(custom(Grant(READ, paths=(held,))), HERE))
    assert bool(excess(caller, [Holding(custom(Grant(READ, paths=(asked,))), HERE)])) == more


def test_one_grant_has_to_cover_another_whole() -> None:
    """Environment of one and path of another grant do not add up to both."""
    caller = holder(Holding(custom(Grant(READ, ("dev",)), Grant(READ, (), ("/a",))), HERE))
    assert not excess(caller, [Holding(custom(Grant(READ, ("dev",), ("/a",))), HERE)])
    assert excess(caller, [Holding(custom(Grant(READ, ("prod",), ("/b",))), HERE)])
    assert excess(caller, [Holding(custom(Grant(READ, connections=("c",))), HERE)])
