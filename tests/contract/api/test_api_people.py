"""People: accounts by password, which nobody can guess at, nor find out that there are any."""

from dataclasses import replace

import httpx2
import pytest
from api_kit import Body, House, issues, problem
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from identity_kit import IDENTITIES, ask, at, bearer, holding, newcomer, refused, use

from keyturn.adapters.crypto import Argon2Passwords
from keyturn.api.app import build_api
from keyturn.domain.identity import AccessToken
from keyturn.domain.person import Password
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Passwords

LOGIN = "/api/v1/auth/login"
PEOPLE = "/api/v1/people"
OWN = "/api/v1/auth/password"
GOOD = "correct horse battery"
NEXT = "another horse battery"
ADA: Body = {"email": "Ada@Example.com", "password": GOOD, "role": "viewer"}


class QuickPasswords(Argon2Passwords):
    """Hashes of the same kind at the least cost; they are checked as those of the product are."""

    async def hash(self, password: Sensitive) -> str:
        """Hash a password."""
        cheap = Argon2id(salt=bytes(16), length=32, iterations=1, lanes=1, memory_cost=8)
        return cheap.derive_phc_encoded(password.reveal().encode())


def hashing(house: House, passwords: Passwords) -> House:
    """Return a house in which people have passwords."""
    world = replace(house.world, passwords=passwords)
    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(build_api(world, version="0")),
        base_url="https://keyturn.example.com",
        headers=house.http.headers,
    )
    return replace(house, world=world, http=http)


@pytest.fixture
async def near(house: House) -> House:
    """Give a house in which a guess costs little."""
    return hashing(house, QuickPasswords(house.world.chance.random_bytes))


@pytest.fixture
async def earnest(house: House) -> House:
    """Give a house in which passwords are hashed as they are in earnest."""
    return hashing(house, Argon2Passwords(house.world.chance.random_bytes))


async def log_in(
    house: House, email: str = "ada@example.com", password: str = GOOD
) -> httpx2.Response:
    """Log somebody in."""
    return await house.http.post(LOGIN, json={"email": email, "password": password})


async def test_a_person_logs_in(near: House) -> None:
    """The address is the same in capitals, the answer that of every log-in, the token good."""
    made = at(await ask(near, "POST", PEOPLE, ADA), "identity")
    assert (made["name"], made["person"], made["authMethods"]) == (
        "ada@example.com",
        True,
        ["password"],
    )
    for email in ("ada@example.com", " ADA@example.COM "):
        told = (await log_in(near, email)).json()
        assert (told["expiresIn"], told["accessTokenMaxTTL"]) == (43_200, 86_400)
        assert await use(near, told["accessToken"]) == 200
    listed = at(await ask(near, "GET", f"{IDENTITIES}?person=true"), "identities")
    assert [each["name"] for each in listed] == ["ada@example.com"]


async def test_passwords_are_kept_as_argon2id(earnest: House) -> None:
    """With 19 MiB, two passes and one lane, and a salt of its own each; who has one logs in."""
    await ask(earnest, "POST", PEOPLE, ADA)
    await ask(earnest, "POST", PEOPLE, ADA | {"email": "bob@example.com"})
    assert (await log_in(earnest)).status_code == 200
    async with earnest.world.store.reading() as tx:
        hashes = [each.hash for each in await tx.list(Password)]
    assert all(each.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for each in hashes)
    assert len({each.split("$")[4] for each in hashes}) == 2


async def test_wrong_log_ins_are_all_alike(near: House) -> None:
    """Nobody there, a wrong password and a lockout have one answer, and none repeats a thing."""
    await ask(near, "POST", PEOPLE, ADA)
    answers = [await log_in(near, "nobody@example.com")]
    answers += [await log_in(near, password="canary wrong") for _ in range(5)]
    answers.append(await log_in(near))
    assert {problem(each) for each in answers} == {(401, "UnauthorizedError")}
    assert len({each.json()["message"] for each in answers}) == 1
    assert "canary" not in str([each.text for each in answers])
    near.clock.advance(300)
    assert (await log_in(near)).status_code == 200


async def test_a_right_password_forgets_the_wrong_ones(near: House) -> None:
    """Four wrong ones, a right one, and four more wrong ones lock nobody out."""
    await ask(near, "POST", PEOPLE, ADA)
    for _ in range(2):
        for _ in range(4):
            await log_in(near, password="wrong")
        assert (await log_in(near)).status_code == 200


async def test_log_ins_are_on_record_without_passwords(near: House) -> None:
    """Who it was is told after a good one; after a bad one only which address was tried."""
    identity_id = at(await ask(near, "POST", PEOPLE, ADA), "identity", "id")
    await log_in(near)
    await log_in(near, "mallory\x1b[2J@example.com")
    async with near.world.store.reading() as tx:
        entries = [each.attempt for each in await tx.list_audit() if each.attempt.verb == "log-in"]
    assert [(each.actor, each.allowed) for each in entries] == [
        (identity_id, True),
        ("nobody", False),
    ]
    assert "ada@example.com" in entries[0].subject
    assert "\x1b" not in str(entries)
    assert GOOD not in str(entries)


async def test_a_password_is_set_anew(near: House) -> None:
    """The old one is wrong from then on, and who was logged in by it is no longer."""
    identity_id = at(await ask(near, "POST", PEOPLE, ADA), "identity", "id")
    token = (await log_in(near)).json()["accessToken"]
    await ask(near, "PUT", f"{PEOPLE}/{identity_id}/password", {"password": NEXT})
    assert await use(near, token) == 401
    assert (await log_in(near)).status_code == 401
    assert (await log_in(near, password=NEXT)).status_code == 200


async def test_a_person_changes_their_own_password(near: House) -> None:
    """It takes the old one, no permission, and ends every log-in."""
    await ask(near, "POST", PEOPLE, ADA)
    token = (await log_in(near)).json()["accessToken"]
    body = {"oldPassword": "wrong", "newPassword": NEXT}
    answer = await near.http.post(OWN, json=body, headers=bearer(token))
    assert problem(answer) == (400, "BadRequest")
    body |= {"oldPassword": GOOD}
    answer = await near.http.post(OWN, json=body, headers=bearer(token))
    assert answer.status_code == 200
    assert await use(near, token) == 401
    assert (await log_in(near, password=NEXT)).status_code == 200


async def test_a_machine_has_no_password_to_change(near: House) -> None:
    """It is told what somebody with a wrong password is told."""
    _, token = await newcomer(near)
    body = {"oldPassword": GOOD, "newPassword": NEXT}
    answer = await near.http.post(OWN, json=body, headers=bearer(token))
    assert problem(answer) == (400, "BadRequest")
    listed = at(await ask(near, "GET", IDENTITIES), "identities")
    path = f"{PEOPLE}/{listed[1]['id']}/password"
    assert await refused(near, "PUT", path, {"password": NEXT}) == (404, "NotFound")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "a da@example.com"}, "email"),
        ({"password": "eleven chrs"}, "password"),
        ({"password": "aaaaaaaaaaaaaaa"}, "password"),
        ({"password": "ADA@example.com"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"role": "nonsense"}, "role"),
    ],
)
async def test_an_account_that_cannot_be_names_the_field(
    near: House, changes: Body, field: str
) -> None:
    """Nothing is made, and the password is not repeated."""
    answer = await near.http.post(PEOPLE, json=ADA | changes)
    assert issues(answer) == [field]
    assert str(changes.get("password", "canary")) not in answer.text
    assert at(await ask(near, "GET", IDENTITIES), "totalCount") == 2


async def test_an_address_is_one_account(near: House) -> None:
    """However it is written."""
    await ask(near, "POST", PEOPLE, ADA)
    again = ADA | {"email": "ADA@EXAMPLE.COM"}
    assert await refused(near, "POST", PEOPLE, again) == (400, "BadRequest")
    assert at(await ask(near, "GET", IDENTITIES), "totalCount") == 3


async def test_nobody_sets_the_password_of_who_holds_more(near: House) -> None:
    """Who could log in as somebody afterwards holds all that they hold."""
    identity_id = at(await ask(near, "POST", PEOPLE, ADA | {"role": "admin"}), "identity", "id")
    async with holding(near, ("auditor", None)) as weak:
        for method, path in (("POST", PEOPLE), ("PUT", f"{PEOPLE}/{identity_id}/password")):
            assert await refused(weak, method, path, ADA) == (403, "PermissionDenied")


async def test_an_account_goes_with_its_tokens(near: House) -> None:
    """A person is deleted as any identity is."""
    identity_id = at(await ask(near, "POST", PEOPLE, ADA), "identity", "id")
    await log_in(near)
    await ask(near, "DELETE", f"{IDENTITIES}/{identity_id}")
    assert (await log_in(near)).status_code == 401
    async with near.world.store.reading() as tx:
        assert await tx.list(AccessToken, identity_id=identity_id) == []
        assert await tx.list(Password) == []
