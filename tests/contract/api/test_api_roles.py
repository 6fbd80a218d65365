"""Roles that an installation makes for itself, and why somebody may or may not."""

import pytest
from api_kit import SECRETS, Body, House, issues
from identity_kit import Held, ask, at, bearer, holding, newcomer, refused

ROLES = "/api/v1/roles"
EXPLAIN = "/api/v1/access/explain"
FORBIDDEN = (403, "PermissionDenied")
REFUSED = (400, "BadRequest")
NOT_FOUND = (404, "NotFound")
READING: Body = {"verbs": ["secrets:read", "secrets:describe"], "environments": ["dev"]}


def of_project(house: House, slug: str = "") -> str:
    """Return where the project's roles are."""
    return f"/api/v1/projects/{house.installed.project.id}/roles/{slug}".rstrip("/")


def order(slug: str = "reader", *grants: Body) -> Body:
    """Return the body that makes a role."""
    return {"slug": slug, "name": "Reader", "grants": [*(grants or [READING])]}


@pytest.mark.parametrize("where", ["every", "one"])
async def test_a_role_is_made_found_changed_and_deleted(house: House, where: str) -> None:
    """Its grants come back as they were given, beside the roles that every project has."""
    path = ROLES if where == "every" else of_project(house)
    made = at(await ask(house, "POST", path, order()), "role")
    assert made["grants"] == [
        {
            "verbs": ["secrets:describe", "secrets:read"],
            "environments": ["dev"],
            "paths": [],
            "connections": [],
        }
    ]
    assert (made["builtIn"], made["projectId"] is None) == (False, where == "every")
    listed = at(await ask(house, "GET", path), "roles")
    slugs = ["admin", "developer", "viewer", "rotator", "auditor", "reader"]
    assert [each["slug"] for each in listed] == slugs
    one = f"{path}/reader"
    assert at(await ask(house, "GET", one), "role") == made
    change = {"description": "reads", "grants": [{"verbs": ["secrets:read"]}]}
    changed = at(await ask(house, "PATCH", one, change), "role")
    assert (changed["name"], changed["description"]) == ("Reader", "reads")
    assert changed["grants"][0]["environments"] == []
    await ask(house, "DELETE", one)
    assert await refused(house, "GET", one) == NOT_FOUND


async def put(house: House, *places: tuple[str, str]) -> None:
    """Store a secret in some places."""
    for environment, path in places:
        for folder in (each for each in path.split("/") if each):
            where = {"projectId": house.installed.project.id, "environment": environment}
            body = where | {"path": "/", "name": folder}
            await house.http.post("/api/v2/folders", json=body)
        body = house.place | {"environment": environment, "secretPath": path, "secretValue": "x"}
        assert (await house.http.post(f"{SECRETS}/KEY", json=body)).status_code == 200


async def reads(house: House, token: str, environment: str, path: str) -> int:
    """Read a secret with a token, and return the status."""
    place = house.place | {"environment": environment, "secretPath": path}
    answer = await house.http.get(f"{SECRETS}/KEY", params=place, headers=bearer(token))
    return answer.status_code


async def test_a_role_counts_where_its_conditions_hold(house: House) -> None:
    """Environment and path decide, and a change of the role counts at once."""
    await put(house, ("dev", "/"), ("dev", "/app"), ("prod", "/app"))
    grant = READING | {"paths": ["/app/**"]}
    await ask(house, "POST", of_project(house), order("app", grant))
    _, token = await newcomer(house, ("app", house.installed.project.id))
    places = (("dev", "/app"), ("dev", "/"), ("prod", "/app"))
    assert [await reads(house, token, *each) for each in places] == [200, 403, 403]
    grants = {"grants": [READING | {"environments": ["prod"]}]}
    await ask(house, "PATCH", of_project(house, "app"), grants)
    assert [await reads(house, token, *each) for each in places] == [403, 403, 200]


async def test_a_role_that_is_held_stays(house: House) -> None:
    """It can be deleted once nobody holds it, in whichever project."""
    await ask(house, "POST", ROLES, order())
    identity_id, _ = await newcomer(house, ("reader", house.installed.project.id))
    assert await refused(house, "DELETE", f"{ROLES}/reader") == REFUSED
    await ask(house, "DELETE", f"/api/v1/identities/{identity_id}")
    await ask(house, "DELETE", f"{ROLES}/reader")


async def test_a_slug_means_one_role(house: House) -> None:
    """A role of a project cannot take the slug of one of all, nor the other way around."""
    await ask(house, "POST", ROLES, order("wide"))
    await ask(house, "POST", of_project(house), order("near"))
    for path, slug in ((of_project(house), "wide"), (ROLES, "near"), (ROLES, "wide")):
        assert await refused(house, "POST", path, order(slug)) == REFUSED


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "admin"}, "slug"),
        ({"slug": "no-access"}, "slug"),
        ({"slug": "A b"}, "slug"),
        ({"name": "x" * 65}, "name"),
        ({"grants": []}, "grants"),
        ({"grants": [{"verbs": []}]}, "verbs"),
        ({"grants": [{"verbs": ["secrets:steal"]}]}, "verbs"),
        ({"grants": [READING | {"paths": ["app"]}]}, "paths"),
        ({"grants": [READING | {"environments": ["d.v"]}]}, "environments"),
        ({"grants": [READING | {"paths": ["/" + "*/" * 11]}]}, "paths"),
        ({"grants": [READING] * 51}, "grants"),
    ],
)
async def test_a_role_that_cannot_be_names_the_field(
    house: House, changes: Body, field: str
) -> None:
    """What does not fit is the caller's mistake, and nothing is made."""
    assert issues(await house.http.post(ROLES, json=order() | changes)) == [field]
    assert len(at(await ask(house, "GET", ROLES), "roles")) == 5


async def test_built_in_roles_never_change(house: House) -> None:
    """They can be read and nothing else."""
    assert at(await ask(house, "GET", f"{ROLES}/viewer"), "role", "builtIn") is True
    for method in ("PATCH", "DELETE"):
        assert await refused(house, method, f"{ROLES}/viewer", {"name": "x"}) == NOT_FOUND


async def test_nobody_writes_a_role_above_their_own(house: House) -> None:
    """Who may edit roles holds all that goes into one, as widely, and where it counts."""
    here = house.installed.project.id
    mine = {"verbs": ["role:edit", "role:read"]}
    await ask(house, "POST", of_project(house), order("editor", mine, READING))
    more = [{"verbs": ["secrets:read"]}]
    async with holding(house, ("editor", here)) as near:
        await ask(near, "POST", of_project(house), order("reader", READING))
        path = of_project(house, "editor")
        assert await refused(near, "PATCH", path, {"grants": more}) == FORBIDDEN
        assert await refused(near, "POST", of_project(house), order("x", *more)) == FORBIDDEN
        assert await refused(near, "POST", ROLES, order("x", READING)) == FORBIDDEN


def question(house: House, identity_id: str, **changes: str) -> dict[str, str]:
    """Ask whether an identity may read secrets of the project's dev."""
    project = house.installed.project.id
    asked = {"identityId": identity_id, "verb": "secrets:read", "projectId": project}
    return asked | {"environment": "dev", "secretPath": "/"} | changes


async def explained(house: House, identity_id: str, **changes: str) -> Body:
    """Ask for an explanation."""
    answer = await house.http.get(EXPLAIN, params=question(house, identity_id, **changes))
    assert answer.status_code == 200, answer.text
    told: Body = answer.json()
    return told


async def test_an_explanation_names_the_role_that_permits(house: House) -> None:
    """The first that does is named, and each other says why it does not."""
    here = house.installed.project.id
    identity_id, _ = await newcomer(house, ("rotator", here), ("viewer", here))
    told = await explained(house, identity_id)
    assert (told["allowed"], told["role"], told["name"]) == (True, "viewer", "newcomer")
    assert told["reasons"] == [
        {
            "role": "rotator",
            "projectId": here,
            "why": "the role rotator does not hold secrets:read",
        },
        {"role": "viewer", "projectId": here, "why": ""},
    ]


async def test_an_explanation_says_why_no_role_permits(house: House) -> None:
    """A condition that does not hold is named with what it wants."""
    await ask(house, "POST", of_project(house), order("app", READING | {"paths": ["/app"]}))
    identity_id, _ = await newcomer(house, ("app", house.installed.project.id))
    told = await explained(house, identity_id)
    assert (told["allowed"], told["role"]) == (False, None)
    assert at(told, "reasons", 0, "why").endswith("path / is not /app")
    anywhere = await explained(house, identity_id, environment="", secretPath="")
    assert anywhere["allowed"] is True
    nothing, _ = await newcomer(house)
    assert at(await explained(house, nothing), "reasons") == []


@pytest.mark.parametrize(
    ("held", "status"),
    [("auditor", 200), ("admin", 200), ("developer", 403), ("viewer", 403)],
)
async def test_explanations_are_for_who_may_see_identities(
    house: House, held: str, status: int
) -> None:
    """Others learn nothing, not even whether there is such an identity."""
    here = house.installed.project.id
    identity_id, _ = await newcomer(house, ("viewer", here))
    async with holding(house, (held, here)) as near:
        answer = await near.http.get(EXPLAIN, params=question(house, identity_id))
        assert answer.status_code == status


async def test_who_sees_one_project_is_told_of_that_one(house: House) -> None:
    """Roles elsewhere are not told, nor is somebody who holds none here told from nobody."""
    here = house.installed.project.id
    body = {"projectName": "Other", "slug": "other"}
    other = at(await ask(house, "POST", "/api/v2/workspace", body), "project", "id")
    both: tuple[Held, Held] = (("viewer", here), ("admin", other))
    identity_id, _ = await newcomer(house, *both)
    stranger, _ = await newcomer(house, ("admin", other))
    async with holding(house, ("auditor", here)) as near:
        told = await explained(near, identity_id)
        assert [each["role"] for each in at(told, "reasons")] == ["viewer"]
        answers = [
            await near.http.get(EXPLAIN, params=question(house, each))
            for each in (stranger, "nobody-at-all")
        ]
    texts = {each.json()["message"].replace(stranger, "nobody-at-all") for each in answers}
    assert ({each.status_code for each in answers}, len(texts)) == ({404}, 1)


async def test_an_unknown_verb_is_the_callers_mistake(house: House) -> None:
    """The verbs that there are, are told."""
    identity_id, _ = await newcomer(house)
    asked = question(house, identity_id, verb="secrets:steal")
    answer = await house.http.get(EXPLAIN, params=asked)
    assert issues(answer) == ["verbs"]
    assert "secrets:read" in answer.text
