"""Who may do what, as a table."""

from dataclasses import replace

import pytest

from keyturn.domain.access import (
    ADMIN,
    AUDITOR,
    BUILT_IN,
    DEVELOPER,
    ROTATOR,
    VIEWER,
    Caller,
    Denied,
    Grant,
    Granted,
    Holding,
    Role,
    Target,
    Verb,
    decide,
)
from keyturn.domain.ids import OrganizationId, ProjectId

HERE, ELSEWHERE = ProjectId("here"), ProjectId("elsewhere")
NOBODY = Caller("i", "machine", OrganizationId("o"), ())


def holder(role: Role, project_id: ProjectId | None = HERE) -> Caller:
    """Return a caller who holds one role in one project, or in all of them."""
    return replace(NOBODY, holdings=(Holding(role, project_id),))


def custom(*grants: Grant) -> Caller:
    """Return a caller who holds a role of these grants."""
    return holder(Role("custom", "Custom", grants))


def why(caller: Caller, verb: Verb, target: Target) -> str:
    """Return why a caller may not."""
    verdict = decide(caller, verb, target)
    assert isinstance(verdict, Denied)
    return verdict.why


def test_nothing_is_permitted_to_who_holds_nothing() -> None:
    """Access is denied by default, and the reason says so."""
    for verb in Verb:
        assert why(NOBODY, verb, Target(HERE)) == "the identity holds no role"


VALUES = {Verb.READ_SECRETS, Verb.READ_CREDENTIALS}
WRITES = {verb for verb in Verb if not verb.value.endswith((":read", ":describe"))} - VALUES


@pytest.mark.parametrize(
    ("role", "some", "none"),
    [
        (ADMIN, set(Verb), set()),
        (DEVELOPER, {Verb.EDIT_SECRETS, Verb.ROTATE}, {Verb.READ_CREDENTIALS, Verb.EDIT_ROLES}),
        (VIEWER, {Verb.READ_SECRETS}, WRITES),
        (ROTATOR, {Verb.ROTATE, Verb.CREATE_ROTATIONS}, {Verb.READ_SECRETS, Verb.EDIT_SECRETS}),
        (AUDITOR, {Verb.READ_AUDIT, Verb.DESCRIBE_SECRETS}, VALUES | WRITES),
    ],
)
def test_a_role_holds_its_verbs_in_its_own_project(
    role: Role, some: set[Verb], none: set[Verb]
) -> None:
    """Each verb of a role is permitted there and nowhere else, and no other verb is."""
    for verb in Verb:
        permitted = decide(holder(role), verb, Target(HERE)) == Granted(role.slug)
        assert permitted == (verb in role.verbs)
        assert "held in another project" in why(holder(role), verb, Target(ELSEWHERE))
        above = "held in one project, and this is above all of them"
        assert above in why(holder(role), verb, Target())
    assert some <= role.verbs
    assert not none & role.verbs


def test_a_role_of_the_organization_reaches_every_project() -> None:
    """What is held everywhere is permitted in each project, and above them."""
    for project in (HERE, ELSEWHERE, None):
        assert decide(holder(VIEWER, None), Verb.READ_SECRETS, Target(project)) == Granted("viewer")


def test_one_of_several_roles_is_enough() -> None:
    """The first role that permits is named, and each that does not says why."""
    both = replace(NOBODY, holdings=(Holding(AUDITOR, HERE), Holding(VIEWER, ELSEWHERE)))
    assert decide(both, Verb.READ_SECRETS, Target(ELSEWHERE)) == Granted("viewer")
    assert why(both, Verb.READ_SECRETS, Target(HERE)) == (
        "the role auditor does not hold secrets:read; the role viewer is held in another project"
    )


READ = frozenset({Verb.READ_SECRETS})


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("/**", ["/", "/a", "/a/b"], []),
        ("/", ["/"], ["/a"]),
        ("/a", ["/a"], ["/", "/ab", "/a/b"]),
        ("/a/*", ["/a/b"], ["/a", "/a/b/c"]),
        ("/a/**", ["/a", "/a/b", "/a/b/c"], ["/ab", "/", "/b/a"]),
        ("/**/x", ["/x", "/a/x", "/a/b/x"], ["/ax", "/x/a"]),
        ("/team-*/k", ["/team-1/k", "/team-/k"], ["/team-1/a/k", "/teams/k"]),
    ],
)
def test_paths_fit_patterns(pattern: str, fits: list[str], misses: list[str]) -> None:
    """One star stays within a name, two cross folders, and everything else is itself."""
    caller = custom(Grant(READ, paths=(pattern,)))
    for path in fits:
        assert decide(caller, Verb.READ_SECRETS, Target(HERE, "dev", path)) == Granted("custom")
    for path in misses:
        told = why(caller, Verb.READ_SECRETS, Target(HERE, "dev", path))
        assert told == f"the role custom holds secrets:read elsewhere: path {path} is not {pattern}"


def test_what_is_hidden_is_not_named_in_a_refusal() -> None:
    """Who may not see a thing is told where the role holds, and nothing of where the thing is."""
    here = Target(HERE, "dev")
    for grant, target, limit in (
        (Grant(READ, ("dev", "test-*")), Target(HERE), "environment dev or test-* only"),
        (Grant(READ, paths=("/a",)), here, "path /a only"),
        (Grant(READ, connections=("c-1",)), here, "connection c-1 only"),
    ):
        told = why(custom(grant), Verb.READ_SECRETS, target)
        assert told == f"the role custom holds secrets:read elsewhere: {limit}"
    staging = why(custom(Grant(READ, ("dev",))), Verb.READ_SECRETS, Target(HERE, "staging"))
    assert staging.endswith("elsewhere: environment staging is not dev")


def test_every_condition_of_a_grant_must_hold() -> None:
    """Environment, path and connection are looked at together; one grant never helps another."""
    caller = custom(Grant(READ, ("dev",), ("/a/**",)), Grant(READ, ("prod-*",), (), ("c-1", "c-2")))
    good = [Target(HERE, "dev", "/a/b"), Target(HERE, "prod-eu", "/", "c-2")]
    bad = [
        Target(HERE, "dev", "/b"),
        Target(HERE, "prod-eu", "/a"),
        Target(HERE, "prod-eu", "/a", "c-3"),
        Target(HERE, "dev", "/", "c-1"),
        Target(HERE),
    ]
    assert all(isinstance(decide(caller, Verb.READ_SECRETS, each), Granted) for each in good)
    assert all(isinstance(decide(caller, Verb.READ_SECRETS, each), Denied) for each in bad)
    assert ", nor " in why(caller, Verb.READ_SECRETS, bad[0])


def test_a_list_is_permitted_to_who_may_somewhere() -> None:
    """What is looked at one by one afterwards asks for the verb alone, in its project."""
    caller = custom(Grant(READ, ("dev",), ("/a",)))
    assert isinstance(decide(caller, Verb.READ_SECRETS, Target(HERE, somewhere=True)), Granted)
    assert isinstance(decide(caller, Verb.READ_SECRETS, Target(ELSEWHERE, somewhere=True)), Denied)
    assert isinstance(decide(caller, Verb.EDIT_SECRETS, Target(HERE, somewhere=True)), Denied)


@pytest.mark.parametrize(
    ("projects", "home"), [((HERE,), HERE), ((HERE, None), None), ((HERE, ELSEWHERE), None)]
)
def test_a_caller_has_a_home_where_there_is_one_project(
    projects: tuple[ProjectId | None, ...], home: ProjectId | None
) -> None:
    """Who is confined to one project means that one where none is named."""
    caller = replace(NOBODY, holdings=tuple(Holding(VIEWER, each) for each in projects))
    assert caller.home == home
    assert caller.knows(HERE)
    assert caller.knows(ELSEWHERE) == (len(projects) == 2)


def test_built_in_roles_go_by_their_slugs() -> None:
    """Every built-in role is found by its own slug."""
    assert list(BUILT_IN) == ["admin", "developer", "viewer", "rotator", "auditor"]
    assert all(role.slug == slug for slug, role in BUILT_IN.items())
