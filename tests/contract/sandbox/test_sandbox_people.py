"""People: lists, creation, lifecycle, and logging in with a password."""

import pytest
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox.state.people import MAX_FAILURES

pytestmark = pytest.mark.anyio

USERS = "/api/v1/users"
NEW: dict[str, dict[str, object]] = {
    "profile": {
        "firstName": "Nora",
        "lastName": "New",
        "login": "nora@example.com",
        "email": "nora@example.com",
        "title": "Director",
    },
    "credentials": {"password": {"value": "long enough"}},
}


async def authn(world: World, login: str, password: str) -> tuple[int, dict[str, object]]:
    """Ask for a session token; return the status and the body."""
    answer = await world.http.post("/api/v1/authn", json={"username": login, "password": password})
    return answer.status_code, answer.json()


async def una(world: World) -> tuple[str, str]:
    """Return login and password of the seeded user."""
    user = world.org.users[world.org.seeded.user_id]
    return user.login, user.password


# --- the people ---


@pytest.mark.parametrize("name", ["id", "login", "LOGIN"])
async def test_read_by_id_or_login(world: World, name: str) -> None:
    """A person is found by id, and by login in any case."""
    user_id = world.org.seeded.user_id
    names = {"id": user_id, "login": "user@example.com", "LOGIN": "USER@example.com"}
    body = (await world.admin("GET", f"{USERS}/{names[name]}")).json()
    assert (body["id"], body["status"], body["profile"]["firstName"]) == (user_id, "ACTIVE", "Una")
    assert body["_links"]["self"] == {"href": f"{BASE}{USERS}/{user_id}"}
    assert body["_links"]["deactivate"]["href"] == f"{BASE}{USERS}/{user_id}/lifecycle/deactivate"


async def test_unknown_user(world: World) -> None:
    """A name that is nobody's is 404."""
    answer = await world.admin("GET", f"{USERS}/nobody")
    assert answer.status_code == 404
    summary = "Not found: Resource not found: nobody (User)"
    assert without_id(answer) == okta_error("E0000007", summary)


async def test_pages_of_people(world: World) -> None:
    """Lists are paged by two Link fields, and hold no link but self."""
    first = await world.admin("GET", f"{USERS}?limit=1")
    (admin,) = first.json()
    assert list(admin["_links"]) == ["self"]
    assert first.headers.get_list("link") == [
        f'<{BASE}{USERS}?limit=1>; rel="self"',
        f'<{BASE}{USERS}?after={admin["id"]}&limit=1>; rel="next"',
    ]
    second = await world.admin("GET", f"{USERS}?limit=1&after={admin['id']}")
    assert [user["profile"]["login"] for user in second.json()] == ["user@example.com"]
    assert len(second.headers.get_list("link")) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=un", ["Una"]),
        ('filter=profile.login eq "admin@example.com"', ["Ada"]),
        ('search=profile.lastName sw "U" and status eq "ACTIVE"', ["Una"]),
        ('filter=status eq "DEPROVISIONED"', []),
    ],
)
async def test_people_can_be_looked_for(world: World, query: str, found: list[str]) -> None:
    """By the beginning of a name, and by filters."""
    answer = await world.admin("GET", f"{USERS}?{query}")
    assert [user["profile"]["firstName"] for user in answer.json()] == found


async def test_bad_filter(world: World) -> None:
    """A filter that cannot be read is refused."""
    answer = await world.admin("GET", f"{USERS}?filter=status is 3")
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000031")


@pytest.mark.parametrize(
    ("query", "credentials", "status"),
    [
        ("", NEW["credentials"], "ACTIVE"),
        ("", {}, "PROVISIONED"),
        ("?activate=false", NEW["credentials"], "STAGED"),
    ],
)
async def test_creation(
    world: World, query: str, credentials: dict[str, object], status: str
) -> None:
    """Activation and a password decide the first status; the password is never shown."""
    answer = await world.admin("POST", USERS + query, {**NEW, "credentials": credentials})
    made = answer.json()
    assert (answer.status_code, made["status"], made["id"][:3]) == (200, status, "00u")
    assert made["profile"]["title"] == "Director"
    assert "long enough" not in answer.text


async def test_login_is_unique(world: World) -> None:
    """A second person with the same login is refused."""
    body = {"profile": {**NEW["profile"], "login": "USER@example.com"}}
    answer = await world.admin("POST", USERS, body)
    cause = "login: An object with this field already exists in the current organization"
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", "Api validation failed: login", cause)


async def test_all_that_is_missing_is_named(world: World) -> None:
    """Every blank member is a cause of its own, in Okta's order."""
    answer = await world.admin("POST", USERS, {"profile": {}})
    blank = "The field cannot be left blank"
    assert without_id(answer) == okta_error(
        "E0000001",
        "Api validation failed: login",
        *(f"{name}: {blank}" for name in ("login", "firstName", "lastName", "email")),
        "login: Username must be in the form of an email address",
    )


async def test_update(world: World) -> None:
    """The members given change, the others stay, and a password can be set."""
    path = f"{USERS}/{world.org.seeded.user_id}"
    world.clock.advance(5)
    body = {"profile": {"title": "Chief"}, "credentials": {"password": {"value": "new one"}}}
    changed = (await world.admin("POST", path, body)).json()
    assert (changed["profile"]["firstName"], changed["profile"]["title"]) == ("Una", "Chief")
    assert changed["lastUpdated"] == changed["passwordChanged"] == "2026-03-01T12:00:05.000Z"
    assert (await authn(world, "user@example.com", "new one"))[0] == 200


async def test_lifecycle(world: World) -> None:
    """Suspend, unsuspend, deactivate and activate answer 200; deletion takes two steps."""
    path = f"{USERS}/{world.org.seeded.user_id}"
    seen = []
    for step in ("suspend", "unsuspend", "deactivate", "activate", "deactivate"):
        answer = await world.admin("POST", f"{path}/lifecycle/{step}")
        assert (answer.status_code, answer.json()) == (200, {})
        seen.append((await world.admin("GET", path)).json()["status"])
    assert seen == ["SUSPENDED", "ACTIVE", "DEPROVISIONED", "ACTIVE", "DEPROVISIONED"]
    assert len((await world.admin("GET", USERS)).json()) == 1
    assert (await world.admin("DELETE", path)).status_code == 204
    assert (await world.admin("GET", path)).status_code == 404


async def test_deleting_an_active_person_only_deactivates(world: World) -> None:
    """The first DELETE shuts out, the second deletes."""
    path = f"{USERS}/{world.org.seeded.user_id}"
    assert (await world.admin("DELETE", path)).status_code == 204
    assert (await world.admin("GET", path)).json()["status"] == "DEPROVISIONED"


@pytest.mark.parametrize(
    ("step", "status", "error"),
    [
        (
            "activate",
            403,
            okta_error("E0000016", "Activation failed because the user is already active"),
        ),
        (
            "unsuspend",
            400,
            okta_error(
                "E0000001",
                "Api validation failed: user",
                "Cannot unsuspend a user that is not suspended",
            ),
        ),
        ("unlock", 403, okta_error("E0000032", "Unlock is not allowed for this user.")),
    ],
)
async def test_steps_that_do_not_fit(
    world: World, step: str, status: int, error: dict[str, object]
) -> None:
    """A step that the status does not allow is refused."""
    path = f"{USERS}/{world.org.seeded.user_id}/lifecycle/{step}"
    answer = await world.admin("POST", path)
    assert answer.status_code == status
    assert without_id(answer) == error


async def test_only_active_people_are_suspended(world: World) -> None:
    """Suspending twice is refused."""
    path = f"{USERS}/{world.org.seeded.user_id}/lifecycle/suspend"
    await world.admin("POST", path)
    cause = "Cannot suspend a user that is not active"
    error = okta_error("E0000001", "Api validation failed: user", cause)
    assert without_id(await world.admin("POST", path)) == error


async def test_activation_link_instead_of_a_mail(world: World) -> None:
    """With `sendEmail=false` the answer holds the link."""
    made = (await world.admin("POST", f"{USERS}?activate=false", NEW)).json()
    path = f"{USERS}/{made['id']}/lifecycle/activate?sendEmail=false"
    body = (await world.admin("POST", path)).json()
    assert body["activationUrl"].endswith(body["activationToken"])


# --- logging in ---


async def test_session_token(world: World) -> None:
    """Name and password are answered with a token that works once and expires."""
    status, body = await authn(world, *await una(world))
    assert (status, body["status"]) == (200, "SUCCESS")
    assert body["expiresAt"] == "2026-03-01T12:05:00.000Z"
    assert list(body) == ["expiresAt", "status", "sessionToken", "_embedded"]
    user_id = world.org.seeded.user_id
    assert body["_embedded"]["user"]["id"] == user_id  # type: ignore[index]  # JSON
    token = str(body["sessionToken"])
    assert [world.org.sessions.use(token), world.org.sessions.use(token)] == [user_id, None]


@pytest.mark.parametrize("login", ["user@example.com", "nobody@example.com"])
async def test_wrong_password(world: World, login: str) -> None:
    """A wrong password and an unknown name get the very same answer."""
    answer = await world.http.post("/api/v1/authn", json={"username": login, "password": "wrong"})
    assert answer.status_code == 401
    assert without_id(answer) == okta_error("E0000004", "Authentication failed")


async def test_nothing_given(world: World) -> None:
    """Without a name and a password there is nothing to check."""
    answer = await world.http.post("/api/v1/authn", json={"username": "user@example.com"})
    cause = "The 'username' and 'password' attributes are required in this context."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", "Api validation failed: authRequest", cause)


@pytest.mark.parametrize("step", ["suspend", "deactivate"])
async def test_people_shut_out_cannot_log_in(world: World, step: str) -> None:
    """The right password of a person shut out is 401 like a wrong one."""
    await world.admin("POST", f"{USERS}/{world.org.seeded.user_id}/lifecycle/{step}")
    status, body = await authn(world, *await una(world))
    assert (status, body["errorCode"]) == (401, "E0000004")


async def test_lock_out(world: World) -> None:
    """The tenth wrong password locks; then only unlocking helps."""
    login, password = await una(world)
    for _ in range(MAX_FAILURES - 1):
        assert (await authn(world, login, "wrong"))[0] == 401
    status, body = await authn(world, login, "wrong")
    assert (status, body["status"]) == (200, "LOCKED_OUT")
    assert (await authn(world, login, password))[1]["status"] == "LOCKED_OUT"
    path = f"{USERS}/{world.org.seeded.user_id}/lifecycle/unlock"
    assert (await world.admin("POST", path)).status_code == 200
    assert (await authn(world, login, password))[1]["status"] == "SUCCESS"


async def test_a_good_password_forgives_the_wrong_ones(world: World) -> None:
    """Only wrong passwords in a row are counted."""
    login, password = await una(world)
    for _ in range(2):
        for _ in range(MAX_FAILURES - 1):
            await authn(world, login, "wrong")
        assert (await authn(world, login, password))[1]["status"] == "SUCCESS"


async def test_expired_password(world: World) -> None:
    """The right password leads to its change, a wrong one nowhere."""
    world.org.people.expire_password(world.org.seeded.user_id)
    login, password = await una(world)
    status, body = await authn(world, login, password)
    assert (status, body["status"]) == (200, "PASSWORD_EXPIRED")
    assert "sessionToken" not in body
    assert (await authn(world, login, "wrong"))[0] == 401
