"""References: a value takes in others, as far as its reader may read them."""

import pytest
from api_kit import SECRETS, House, problem
from surface_kit import V4, log_in_as, make_folder, make_import, make_role, put, read, values

from keyturn.domain.access import DEVELOPER, Verb
from keyturn.domain.secret import Receipt, Secret
from keyturn.domain.sensitive import Sensitive
from keyturn.services.secrets import new_version, next_number, promote


async def value(house: House, name: str = "URL", **more: str) -> str:
    """Return the value of a secret."""
    answer = await read(house, name, **more)
    told: str = answer.json()["secret"]["secretValue"]
    return told


@pytest.fixture
async def composed(house: House) -> House:
    """Give a house with a secret made of one beside it and one of prod."""
    await make_folder(house, "/db/main", "prod")
    await put(house, "PASSWORD", "canary", "/db/main", "prod")
    await put(house, "USER", "us")
    await put(house, "URL", "db://${USER}:${prod.db.main.PASSWORD}@host/${NONE}")
    return house


WANTED = {"expandSecretReferences": "true"}


@pytest.mark.parametrize(("path", "asked"), [(SECRETS, WANTED), (V4, WANTED), (V4, {})])
async def test_references_are_expanded(composed: House, path: str, asked: dict[str, str]) -> None:
    """By list and by name, where it is wanted; a missing one stays as it is written."""
    told = "db://us:canary@host/${NONE}"
    query = composed.place | asked
    listed = await composed.http.get(path, params=query)
    assert values(listed.json()) == {"USER": "us", "URL": told}
    one = await composed.http.get(f"{path}/URL", params=query)
    assert one.json()["secret"]["secretValue"] == told


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("{SECRETS}/URL", {}),
        ("{SECRETS}/URL", {"expandSecretReferences": "False"}),
        ("{V4}/URL", {"expandSecretReferences": "False"}),
        ("{SECRETS}/id/{id}", {}),
        ("{V4}/id/{id}", {}),
    ],
)
async def test_references_stay_as_they_are_written(
    composed: House, path: str, asked: dict[str, str]
) -> None:
    """Who keeps a secret equal to its definition wants what was written, as Terraform does."""
    written = await read(composed, "URL", expandSecretReferences="false")
    where = path.format(SECRETS=SECRETS, V4=V4, id=written.json()["secret"]["id"])
    told = (await composed.http.get(where, params=composed.place | asked)).json()["secret"]
    assert told["secretValue"] == "db://${USER}:${prod.db.main.PASSWORD}@host/${NONE}"


@pytest.mark.parametrize("path", [f"{SECRETS}/id", f"{V4}/id"])
async def test_references_are_expanded_by_id_on_demand(composed: House, path: str) -> None:
    """A secret that is named by its id may be wanted as readers are given it."""
    secret_id = (await read(composed, "URL")).json()["secret"]["id"]
    told = await composed.http.get(f"{path}/{secret_id}", params=WANTED)
    assert told.json()["secret"]["secretValue"] == "db://us:canary@host/${NONE}"


async def test_a_place_that_the_reader_may_not_read_is_an_error_that_names_it(
    composed: House,
) -> None:
    """Neither its value nor whether anything is there is told."""
    await put(composed, "GHOST", "${prod.db.none.PASSWORD}")
    role = await make_role(composed, Verb.READ_SECRETS, environments=("dev",))
    caller = await log_in_as(composed, role)
    for path, place in ((V4, "prod"), (f"{V4}/URL", "/db/main"), (f"{V4}/GHOST", "/db/none")):
        answer = await caller.http.get(path, params=composed.place)
        assert problem(answer) == (403, "PermissionDenied")
        assert place in answer.json()["message"]
        assert "canary" not in answer.text
    assert await value(caller, "USER") == "us"
    assert "${" in await value(caller, expandSecretReferences="false")


async def test_who_may_only_describe_needs_no_place_of_a_reference(composed: House) -> None:
    """Without values nothing is expanded."""
    caller = await log_in_as(composed, await make_role(composed, Verb.DESCRIBE_SECRETS))
    hidden = await caller.http.get(V4, params=composed.place | {"viewSecretValue": "false"})
    assert hidden.status_code == 200


async def test_every_place_of_a_reference_is_on_record_once(composed: House) -> None:
    """A list has one entry for each place that its references lead to."""
    await put(composed, "AGAIN", "${prod.db.main.PASSWORD}")
    await composed.http.get(V4, params=composed.place)
    async with composed.world.store.reading() as tx:
        subjects = [each.attempt.subject for each in await tx.list_audit(limit=1000)]
    assert subjects.count("secrets example/prod/db/main by reference") == 1


async def test_a_reference_is_relative_to_the_secret_that_says_it(house: House) -> None:
    """Also where the secret is reached by a reference or by an import."""
    await make_folder(house, "/app")
    await put(house, "HOST", "theirs", "/app")
    await put(house, "HOST", "ours")
    await put(house, "URL", "http://${HOST}", "/app")
    await put(house, "LINK", "${dev.app.URL} ${HOST}")
    assert await value(house, "LINK") == "http://theirs ours"
    await make_import(house, "/app")
    assert await value(house, "URL") == "http://theirs"


async def test_circles_end(house: House) -> None:
    """Two that refer to each other, and one that refers to itself, are served all the same."""
    await put(house, "A", "a${B}")
    await put(house, "B", "b${A}")
    await put(house, "ME", "x${ME}")
    listed = await house.http.get(V4, params=house.place)
    assert values(listed.json()) == {"A": "ab${A}", "B": "ba${B}", "ME": "x${ME}"}


@pytest.mark.parametrize("path", [SECRETS, V4, f"{SECRETS}/URL", f"{V4}/URL"])
async def test_a_tag_changes_with_what_is_referred_to(composed: House, path: str) -> None:
    """A conditional read sees a change of any secret that went into the value."""
    query = composed.place | WANTED
    first = await composed.http.get(path, params=query)
    condition = {"if-none-match": first.headers["etag"]}

    async def status() -> int:
        answer = await composed.http.get(path, params=query, headers=condition)
        return answer.status_code

    assert await status() == 304
    where = composed.place | {"environment": "prod", "secretPath": "/db/main"}
    await composed.http.patch(f"{SECRETS}/PASSWORD", json=where | {"secretValue": "new"})
    assert await status() == 200
    written = composed.place | {"expandSecretReferences": "false"}
    raw = await composed.http.get(path, params=written, headers=condition)
    assert raw.status_code == 200


async def test_reading_by_reference_what_a_rotation_keeps_leaves_a_receipt(house: House) -> None:
    """Whoever was given a value by a detour holds it as well."""
    await house.rotate_by_order()
    await put(house, "URL", "x:${OKTA_CLIENT_SECRET}")
    served = await house.served()
    reader = await log_in_as(house, DEVELOPER)
    assert await value(reader) == f"x:{served}"
    async with house.world.store.reading() as tx:
        assert len({each.identity_id for each in await tx.list(Receipt)}) == 2


async def test_what_a_rotation_keeps_is_served_to_the_letter(house: House) -> None:
    """Okta's value is no template, whatever it looks like."""
    await put(house, "NAME", "expanded")
    odd = "${NAME}" + "x" * 40
    await house.rotate_by_order()
    async with house.world.store.writing() as tx:
        secret = await tx.find(Secret, name="OKTA_CLIENT_SECRET")
        assert secret
        number, project = await next_number(tx, secret.id), house.installed.project
        turned = new_version(house.world, project, secret.id, number, Sensitive(odd))
        await tx.add(turned)
        await promote(tx, turned)
    assert await house.served() == odd


async def test_a_numbered_version_is_expanded_too(composed: House) -> None:
    """With what it refers to as it is now."""
    await composed.http.patch(f"{V4}/URL", json=composed.place | {"secretValue": "plain"})
    assert await value(composed) == "plain"
    assert await value(composed, version="1") == "db://us:canary@host/${NONE}"


@pytest.mark.parametrize(("others", "told"), [(499, "found"), (500, "${Z}")])
async def test_one_read_follows_so_many_references_and_no_more(
    house: House, others: int, told: str
) -> None:
    """What is beyond the limit stays as it is written; nobody makes readers look up thousands."""
    await put(house, "Z", "found")
    await put(house, "URL", "".join(f"${{A{i}}}" for i in range(others)) + "${Z}")
    assert (await value(house)).endswith(told)


async def test_a_chain_is_followed_ten_steps(house: House) -> None:
    """Deeper than that a reference stays as it is written."""
    for step in range(12):
        await put(house, f"K{step}", f"{step} ${{K{step + 1}}}")
    assert await value(house, "K0") == "0 1 2 3 4 5 6 7 8 9 10 ${K11}"
