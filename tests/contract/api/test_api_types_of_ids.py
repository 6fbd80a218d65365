"""An id names its rotation under the routes of its own type alone."""

from collections.abc import Sequence

import httpx2
import pytest
from api_kit import NO_ID, House, description, problem
from kinds_kit import DRAFTS

from keyturn.api.app import build_api
from keyturn.cli.rotation import find_rotation
from keyturn.cli.rotation_by_id import find_by_id
from keyturn.client import ApiError, KeyturnApi, Token
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.errors import NotFound
from keyturn.domain.identity import Identity
from keyturn.domain.ids import ProjectId
from keyturn.domain.okta import CredentialKind
from keyturn.services.rotations import refuse_other_kind

BASE = "/api/v2/secret-rotations"
MAPPING = {"clientId": "OTHER_ID", "clientSecret": "OTHER_VALUE"}


async def key_rotation(house: House) -> str:
    """Create a rotation of a client key; return its id."""
    app = house.org.create_app(DRAFTS[CredentialKind.CLIENT_KEY])
    asked = {"clientId": app.id, "keyAlgorithm": "ES256"}
    order = house.order(await house.connect(), parameters=asked, secretsMapping=MAPPING)
    made = await house.http.post(f"{BASE}/okta-client-key", json=order)
    return str(made.json()["secretRotation"]["id"])


def routes(house: House) -> Sequence[tuple[str, str]]:
    """List each method and path of the client secret routes that name a rotation by its id."""
    paths = description(house.world)["paths"]
    prefix = f"{BASE}/okta-client-secret/{{rotation_id}}"
    return [(m.upper(), path) for path in paths if path.startswith(prefix) for m in paths[path]]


async def test_id_is_not_found_under_another_type(house: House) -> None:
    """Every route checks, whatever it does and whatever its body; nothing is done."""
    rotation_id = await key_rotation(house)
    checked = routes(house)
    assert len(checked) > 12
    before = len(house.org.requests()["requests"])
    for method, path in checked:
        url = path.format(rotation_id=rotation_id, turn_id=NO_ID)
        answer = await house.http.request(method, url)
        assert problem(answer) == (404, "NotFound"), (method, path)
        assert "is of type okta-client-key" in answer.json()["message"]
    assert len(house.org.requests()["requests"]) == before


async def test_unknown_id_is_told_as_ever(house: House) -> None:
    """Where there is no rotation at all, no type is named."""
    answer = await house.http.get(f"{BASE}/okta-client-key/{NO_ID}")
    assert problem(answer) == (404, "NotFound")
    assert answer.json()["message"] == f"There is no rotation {NO_ID}."


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_stranger_learns_of_no_type(house: House, method: str) -> None:
    """Without a token there is no answer, whatever the id is."""
    rotation_id = await key_rotation(house)
    path = f"{BASE}/okta-client-secret/{rotation_id}"
    answer = await house.http.request(method, path, headers={"authorization": "Bearer junk"})
    assert answer.status_code == 401


async def test_client_asks_under_the_type_that_it_was_told(house: House) -> None:
    """Who hands a rotation back as it was answered reaches it, whatever its type."""
    await key_rotation(house)
    token = Token(house.installed.admin_token.reveal())
    transport = httpx2.ASGITransport(build_api(house.world, version="0"))
    async with KeyturnApi("https://keyturn.test", token, transport=transport) as api:
        (found,) = await api.list_rotations(house.installed.project.id)
        assert (await api.read_rotation(found)).type == "okta-client-key"
        assert await api.list_turns(found)
        with pytest.raises(ApiError):
            await api.read_rotation(found.id)


async def test_an_id_alone_finds_a_rotation_of_any_type_in_any_project(house: House) -> None:
    """So a message names it by that, and its command needs no project; other texts are no ids."""
    rotation_id = await key_rotation(house)
    token = Token(house.installed.admin_token.reveal())
    transport = httpx2.ASGITransport(build_api(house.world, version="0"))
    async with KeyturnApi("https://keyturn.test", token, transport=transport) as api:
        found = await find_rotation(api, "no-such-project", rotation_id)
        assert (found.id, found.type) == (rotation_id, "okta-client-key")
        assert await find_by_id(api, NO_ID) is None
        assert await find_by_id(api, found.name) is None


async def test_other_project_learns_of_no_type(house: House) -> None:
    """A caller of another project is told the same as of an id that nobody has."""
    rotation_id = await key_rotation(house)
    async with house.world.store.reading() as tx:
        admin = await tx.find(Identity, name="administrator")
    assert admin
    elsewhere = ProjectId("elsewhere")
    caller = Caller(admin.id, "x", admin.organization_id, (Holding(ADMIN, elsewhere),))
    for kind in (CredentialKind.CLIENT_SECRET, CredentialKind.API_SERVICE_SECRET):
        with pytest.raises(NotFound, match=f"There is no rotation {rotation_id}\\.$"):
            await refuse_other_kind(house.world, caller, rotation_id, kind)
