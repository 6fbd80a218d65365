"""Readers say which version they use, and others look up who holds which."""

import pytest
from api_kit import ROTATIONS, SECRETS, Body, House, problem
from identity_kit import ask, at, holding
from surface_kit import log_in_as, make_folder, make_import, make_role, put

from keyturn.domain.access import Verb
from keyturn.domain.secret import Receipt

ACKNOWLEDGE = "/api/v1/acknowledgements"
HOLDERS = "/api/v1/secrets/holders"
NAME = "OKTA_CLIENT_SECRET"


def word(house: House, version: object, name: str = NAME, **more: str) -> Body:
    """Return the body by which a reader says that it uses a version."""
    return house.place | {"secretName": name, "version": version} | more


async def turned(house: House) -> None:
    """Read, turn, and read again; the last answer may have been lost as far as is known."""
    rotation_id = str((await house.rotate_by_order())["id"])
    await house.served()
    await ask(house, "POST", f"{ROTATIONS}/{rotation_id}/rotate-secrets")
    await house.served()


async def held(house: House, name: str = NAME) -> list[Body]:
    """Return who holds which version of a secret."""
    answer = await house.http.get(HOLDERS, params=house.place | {"secretName": name})
    assert answer.status_code == 200, answer.text
    found: list[Body] = answer.json()["holders"]
    return found


async def waited_for(house: House, rotation_id: str) -> list[str]:
    """Return the causes for which the turn of a rotation waits."""
    told = await ask(house, "GET", f"{ROTATIONS}/{rotation_id}/turns")
    return [each["cause"] for each in at(told, "turns", 0, "gate", "waiting")]


async def test_who_acknowledges_holds_the_old_one_no_more(house: House) -> None:
    """A read alone may have been lost; the reader's word ends the wait for it."""
    order = {"overlapPolicy": "evidence", "backstopSeconds": 86_400, "overlapSeconds": 300}
    rotation_id = str((await house.rotate_by_order(**order))["id"])
    await house.served()
    await ask(house, "POST", f"{ROTATIONS}/{rotation_id}/rotate-secrets")
    await house.served()
    house.clock.advance(301)
    assert "a reader that holds an older version" in await waited_for(house, rotation_id)
    said = await ask(house, "POST", ACKNOWLEDGE, word(house, 2))
    assert at(said, "acknowledgement", "version") == 2
    assert "a reader that holds an older version" not in await waited_for(house, rotation_id)


async def test_words_that_overtake_each_other_take_nothing_back(house: House) -> None:
    """The later version counts, whichever word arrives last, and how often."""
    await turned(house)
    for version in (2, 1, 2):
        said = await ask(house, "POST", ACKNOWLEDGE, word(house, version))
        assert at(said, "acknowledgement", "version") == 2
        house.clock.advance(10)
    (holder,) = await held(house)
    assert (holder["version"], holder["acknowledgedVersion"]) == (2, 2)
    assert holder["acknowledgedAt"] == "2026-03-01T12:00:00.000Z"


async def test_an_earlier_version_is_no_word_for_the_newer(house: House) -> None:
    """Who says that it uses the first still holds it."""
    await turned(house)
    await ask(house, "POST", ACKNOWLEDGE, word(house, 1))
    (holder,) = await held(house)
    assert (holder["version"], holder["givenVersion"], holder["newest"]) == (1, 2, False)


async def test_a_version_that_was_never_given_cannot_be_in_use(house: House) -> None:
    """Nobody opens the gate by a word on what they have not read."""
    await turned(house)
    async with holding(house, ("viewer", house.installed.project.id)) as stranger:
        answer = await stranger.http.post(ACKNOWLEDGE, json=word(house, 2))
        assert problem(answer) == (400, "BadRequest")
        assert "never given version 2" in answer.json()["message"]
        assert (await stranger.http.post(ACKNOWLEDGE, json=word(house, 1))).status_code == 400
        await stranger.served()
        await ask(stranger, "POST", ACKNOWLEDGE, word(house, 2))


async def test_a_reader_of_the_old_cannot_speak_for_the_new(house: House) -> None:
    """What is served by now counts once the reader itself was given it."""
    rotation_id = (await house.rotate_by_order())["id"]
    await house.served()
    await ask(house, "POST", f"{ROTATIONS}/{rotation_id}/rotate-secrets")
    answer = await house.http.post(ACKNOWLEDGE, json=word(house, 2))
    assert problem(answer) == (400, "BadRequest")
    assert [each["version"] for each in await held(house)] == [1]
    await house.served()
    await ask(house, "POST", ACKNOWLEDGE, word(house, 2))


async def test_a_read_without_the_value_gives_nothing(house: House) -> None:
    """Who was shown the version's number alone cannot use it."""
    await house.rotate_by_order()
    params = house.place | {"viewSecretValue": "false"}
    await house.http.get(f"{SECRETS}/{NAME}", params=params)
    assert (await house.http.post(ACKNOWLEDGE, json=word(house, 1))).status_code == 400


@pytest.mark.parametrize(
    ("name", "version", "status"),
    [(NAME, 3, 404), ("NOTHING", 1, 404), (NAME, 0, 422), (NAME, None, 422), ("", 1, 422)],
)
async def test_what_does_not_exist_cannot_be_in_use(
    house: House, name: str, version: object, status: int
) -> None:
    """The answer says what is wrong: no such secret, no such version, or no version at all."""
    await turned(house)
    answer = await house.http.post(ACKNOWLEDGE, json=word(house, version, name))
    assert problem(answer)[0] == status


async def test_what_no_rotation_keeps_is_acknowledged_too(house: House) -> None:
    """Reads of it are not on record; the reader's word is, for a version that exists."""
    await put(house, "KEY", "1")
    assert await held(house, "KEY") == []
    await ask(house, "POST", ACKNOWLEDGE, word(house, 1, "KEY"))
    answer = await house.http.post(ACKNOWLEDGE, json=word(house, 2, "KEY"))
    assert answer.status_code == 404
    (holder,) = await held(house, "KEY")
    assert (holder["acknowledgedVersion"], holder["newest"]) == (1, True)
    await ask(house, "PATCH", f"{SECRETS}/KEY", house.place | {"secretValue": "2"})
    await ask(house, "POST", ACKNOWLEDGE, word(house, 2, "KEY"))
    assert (await held(house, "KEY"))[0]["acknowledgedVersion"] == 2


async def test_only_who_may_read_it_may_acknowledge(house: House) -> None:
    """To know of a secret is not enough, and a refusal does not tell whether it is there."""
    await turned(house)
    role = await make_role(house, Verb.DESCRIBE_SECRETS, Verb.READ_ROTATIONS)
    other = await log_in_as(house, role)
    for name in (NAME, "NOTHING"):
        answer = await other.http.post(ACKNOWLEDGE, json=word(house, 1, name))
        assert problem(answer) == (403, "PermissionDenied")


@pytest.mark.parametrize("verb", [Verb.DESCRIBE_SECRETS, Verb.READ_ROTATIONS, Verb.READ_SECRETS])
async def test_one_verb_alone_does_not_tell_who_holds_what(house: House, verb: Verb) -> None:
    """Names of secrets and of readers are told to who may know of both."""
    await turned(house)
    other = await log_in_as(house, await make_role(house, verb))
    for name in (NAME, "NOTHING"):
        answer = await other.http.get(HOLDERS, params=house.place | {"secretName": name})
        assert problem(answer) == (403, "PermissionDenied")


async def test_holders_are_told_the_oldest_first(house: House) -> None:
    """Each identity with what it holds, was given and has acknowledged; the newest is marked."""
    await turned(house)
    async with holding(house, ("viewer", house.installed.project.id)) as other:
        await other.served()
    found = await held(house)
    told = [(each["identityName"], each["version"], each["newest"]) for each in found]
    assert told == [("administrator", 1, False), ("holder", 2, True)]
    assert (found[1]["readAt"], found[1]["acknowledgedAt"]) == ("2026-03-01T12:00:00.000Z", None)


async def test_an_acknowledgement_is_of_the_place_where_the_secret_lies(house: House) -> None:
    """What an import brought is acknowledged where it is kept, which its answer tells."""
    await house.rotate_by_order()
    await make_folder(house, "/app")
    await make_import(house, "/", "/app")
    where = house.place | {"secretPath": "/app"}
    read = (await house.http.get(f"/api/v4/secrets/{NAME}", params=where)).json()["secret"]
    wrong = await house.http.post(ACKNOWLEDGE, json=word(house, 1, secretPath="/app"))
    assert problem(wrong) == (404, "NotFound")
    await ask(house, "POST", ACKNOWLEDGE, word(house, 1, secretPath=read["secretPath"]))


async def test_reads_go_on_after_an_acknowledgement(house: House) -> None:
    """A later read keeps the word, and the next version is held as any other."""
    await turned(house)
    await ask(house, "POST", ACKNOWLEDGE, word(house, 2))
    house.clock.advance(700)
    await house.served()
    async with house.world.store.reading() as tx:
        every = await tx.list(Receipt)
    assert [(each.version, each.applied) for each in every if each.applied] == [(2, 2)]
