"""Tokens: what they are renewed, revoked and refused for, and when an identity is locked out."""

from datetime import timedelta

import pytest
from api_kit import House, issues, problem
from identity_kit import (
    RENEW,
    REVOKE,
    another_secret,
    bearer,
    change_secrets,
    coming_from,
    configure,
    credentials,
    log_in,
    token_of,
    tokens_stored,
    use,
)

from keyturn.domain.identity import Lockout, TokenRules

HOUR = TokenRules(ttl_s=3600, max_ttl_s=9000)


@pytest.mark.parametrize("path", [RENEW, f"{RENEW}/"])
@pytest.mark.parametrize("form", ["json", "data"])
async def test_a_token_is_renewed_in_every_form(house: House, path: str, form: str) -> None:
    """The answer is the one of a log-in, and the token is the same."""
    await configure(house, tokens=HOUR)
    token = await token_of(house)
    house.clock.advance(3000)
    answer = await house.http.post(
        path, headers={"authorization": ""}, **{form: {"accessToken": token}}
    )
    told = {"accessToken": token, "expiresIn": 3600, "accessTokenMaxTTL": 9000}
    assert answer.json() == told | {"tokenType": "Bearer"}
    house.clock.advance(3599)
    assert await use(house, token) == 200


async def test_a_token_is_renewed_up_to_its_longest_life(house: House) -> None:
    """Close to the end there is less left, and past it the answer is 401."""
    await configure(house, tokens=HOUR)
    token = await token_of(house)
    lives = []
    for _ in range(3):
        house.clock.advance(3000)
        answer = await house.http.post(RENEW, json={"accessToken": token})
        lives.append(answer.json().get("expiresIn", answer.status_code))
    assert lives == [3600, 3000, 401]
    assert await use(house, token) == 401


async def test_an_expired_or_unknown_token_is_not_renewed(house: House) -> None:
    """What is not good any more stays so."""
    await configure(house, tokens=HOUR)
    token = await token_of(house)
    house.clock.advance(3600)
    for each in (token, "kt_at_unknown"):
        answer = await house.http.post(RENEW, json={"accessToken": each})
        assert problem(answer) == (401, "UnauthorizedError")


@pytest.mark.parametrize("path", [REVOKE, f"{REVOKE}/"])
@pytest.mark.parametrize("form", ["json", "data"])
async def test_a_revoked_token_is_good_for_nothing(house: House, path: str, form: str) -> None:
    """It ends at once, plain reads included, and revoking it again is no error."""
    token = await token_of(house)
    assert await use(house, token) == 200
    for _ in range(2):
        answer = await house.http.post(
            path, headers=bearer(token), **{form: {"accessToken": token}}
        )
        assert (answer.status_code, set(answer.json())) == (200, {"message"})
    assert await use(house, token) == 401


@pytest.mark.parametrize("path", [RENEW, REVOKE])
@pytest.mark.parametrize("body", [{}, {"accessToken": ""}, {"accessToken": "x" * 257}])
async def test_a_body_without_a_token_names_the_field(
    house: House, path: str, body: dict[str, str]
) -> None:
    """The caller learns what is missing, and nothing is repeated."""
    answer = await house.http.post(path, json=body)
    assert issues(answer) == ["accessToken"]
    assert "xxx" not in answer.text


async def test_wrong_secrets_lock_an_identity_out(house: House) -> None:
    """After three, even the right one waits: 429 says for how long, and then it is good."""
    for _ in range(3):
        assert problem(await log_in(house, clientSecret="wrong")) == (401, "UnauthorizedError")
    house.clock.advance(0.5)
    answer = await log_in(house)
    assert problem(answer) == (429, "RateLimitExceeded")
    assert answer.headers["retry-after"] == "300"
    house.clock.advance(299.5)
    assert (await log_in(house)).status_code == 200


async def test_slow_or_mended_failures_lock_nobody_out(house: House) -> None:
    """Failures far apart are forgotten, and so are those before a log-in."""
    for _ in range(4):
        await log_in(house, clientSecret="wrong")
        house.clock.advance(30)
    for wrong in ("wrong", "wrong"):
        await log_in(house, clientSecret=wrong)
    assert (await log_in(house)).status_code == 200
    await log_in(house, clientSecret="wrong")
    assert (await log_in(house)).status_code == 200


async def test_a_lockout_that_is_off_locks_nobody_out(house: House) -> None:
    """The operator may do without it."""
    await configure(house, lockout=Lockout(after=0))
    for _ in range(10):
        await log_in(house, clientSecret="wrong")
    assert (await log_in(house)).status_code == 200


async def test_who_may_not_come_from_there_locks_nobody_out(house: House) -> None:
    """From outside of the trusted networks every log-in fails alike, and none is counted."""
    await configure(house, trusted=("127.0.0.0/8",))
    async with coming_from(house, "203.0.113.9") as stranger:
        for _ in range(4):
            answers = [await log_in(stranger, clientSecret="wrong"), await log_in(stranger)]
            assert {problem(each) for each in answers} == {(401, "UnauthorizedError")}
            assert len({each.json()["message"] for each in answers}) == 1
    assert (await log_in(house)).status_code == 200


async def test_a_token_is_good_from_trusted_networks_alone(house: House) -> None:
    """Elsewhere it is refused, renewal included; an IPv4 address may come as IPv6."""
    await configure(house, tokens=TokenRules(trusted=("10.0.0.0/8",)))
    token = await token_of(house)
    assert await use(house, token) == 401
    assert (await house.http.post(RENEW, json={"accessToken": token})).status_code == 401
    for address in ("10.1.2.3", "::ffff:10.1.2.3"):
        async with coming_from(house, address) as near:
            assert await use(near, token) == 200


async def test_a_token_has_so_many_uses(house: House) -> None:
    """The one past the last is refused, whatever it is for."""
    await configure(house, tokens=TokenRules(uses=2))
    token = await token_of(house)
    assert [await use(house, token) for _ in range(4)] == [200, 200, 401, 401]


async def test_a_client_secret_has_so_many_uses(house: House) -> None:
    """The log-in past the last one is refused; others of the identity are still good."""
    secret = await another_secret(house, uses_max=2)
    statuses = [(await log_in(house, clientSecret=secret)).status_code for _ in range(3)]
    assert statuses == [200, 200, 401]
    assert (await log_in(house)).status_code == 200


async def test_a_client_secret_expires(house: House) -> None:
    """It is good up to its time and not at it."""
    secret = await another_secret(house, ttl_s=60)
    house.clock.advance(59)
    assert (await log_in(house, clientSecret=secret)).status_code == 200
    house.clock.advance(1)
    assert problem(await log_in(house, clientSecret=secret)) == (401, "UnauthorizedError")


async def test_a_revoked_client_secret_is_wrong(house: House) -> None:
    """It is not told apart from one that never was."""
    await change_secrets(house, revoked=True)
    revoked, never = await log_in(house), await log_in(house, clientSecret="never")
    assert problem(revoked) == problem(never) == (401, "UnauthorizedError")
    assert revoked.json()["message"] == never.json()["message"]


async def test_several_client_secrets_are_good_side_by_side(house: House) -> None:
    """So that one can be replaced without a gap."""
    secrets = [await another_secret(house) for _ in range(3)]
    answers = [await log_in(house, clientSecret=each) for each in secrets]
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert (await log_in(house)).status_code == 200


async def test_a_log_in_clears_away_tokens_that_nobody_can_use(house: House) -> None:
    """What has expired does not pile up."""
    for _ in range(3):
        await token_of(house)
    assert await tokens_stored(house) == 3
    house.clock.advance(timedelta(days=30).total_seconds())
    await token_of(house)
    assert await tokens_stored(house) == 1


async def test_log_ins_are_on_record_without_their_secrets(house: House) -> None:
    """Each is told with where it came from; neither secret nor token is."""
    token = await token_of(house)
    await log_in(house, clientSecret="canary-4711")
    async with house.world.store.reading() as tx:
        entries = [each.attempt for each in await tx.list_audit() if each.attempt.verb == "log-in"]
    assert [(each.allowed, each.actor) for each in entries] == [
        (True, house.installed.identity.id),
        (False, "nobody"),
    ]
    assert all("from 127.0.0.1" in each.subject for each in entries)
    for value in (token, "canary-4711", credentials(house)["clientSecret"]):
        assert value not in str(entries)
