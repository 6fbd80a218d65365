"""Several orgs in one process: told apart by host, by port, and on the control port."""

import ssl
from collections.abc import AsyncIterator

import httpx2
import pytest

from keyturn.sandbox import (
    Fleet,
    Org,
    OrgConfig,
    Ready,
    SandboxConfig,
    Settings,
    build_control,
    serving,
)
from keyturn.sandbox.fleet import build_fleet

pytestmark = pytest.mark.anyio


@pytest.fixture
def fleet() -> Fleet:
    """Make a production and a preview org."""
    preview = Org(2, settings=Settings("free"))
    return Fleet({"prod": Org(1), "preview": preview})


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("preview.localhost:8710", "preview"),
        ("PREVIEW.localhost.", "preview"),
        ("prod.localhost", "prod"),
        ("127.0.0.1:8710", "prod"),
        ("localhost", "prod"),
        ("org.example.com", "prod"),
        ("other.localhost", None),
    ],
)
def test_host_names_an_org(fleet: Fleet, host: str, name: str | None) -> None:
    """`{name}.localhost` is that org, every other host the first; an unknown name is none."""
    assert fleet.find_name(host) == name


def test_one_org_has_every_name() -> None:
    """An org that is alone answers to any host."""
    assert Fleet({"main": Org()}).find_name("okta.localhost") == "main"


@pytest.mark.parametrize("name", ["", "Prod", "a.b", "-a", "a/b"])
def test_names_are_those_of_hosts(name: str) -> None:
    """What cannot be a host's label cannot be an org's name."""
    with pytest.raises(ValueError, match="name"):
        Fleet({name: Org()})


async def test_each_org_knows_its_own_token(fleet: Fleet) -> None:
    """A token of one org is 401 at the other, and links carry the name that was called."""
    transport = httpx2.ASGITransport(build_fleet(fleet))
    headers = {"authorization": f"SSWS {fleet['preview'].seeded.api_token}"}
    async with httpx2.AsyncClient(transport=transport, headers=headers) as http:
        good = await http.get("http://preview.localhost/api/v1/apps")
        assert good.links["self"]["url"].startswith("http://preview.localhost/")
        assert good.headers["x-rate-limit-limit"] == "10"
        assert (await http.get("http://prod.localhost/api/v1/apps")).status_code == 401
        assert (await http.get("http://nobody.localhost/api/v1/apps")).status_code == 404


async def test_control_names_an_org(fleet: Fleet) -> None:
    """`/orgs/{name}/...` is about that org, the short paths are about the first."""
    transport = httpx2.ASGITransport(build_control(fleet, "t"))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers={"authorization": "Bearer t"}
    ) as http:
        assert (await http.get("/orgs")).json() == {"orgs": ["prod", "preview"]}
        await http.post("/orgs/preview/faults", json={"kind": "html"})
        assert (await http.get("/faults")).json() == {"faults": []}
        assert len((await http.get("/orgs/preview/faults")).json()["faults"]) == 1
        assert (await http.get("/orgs/prod/settings")).json()["profile"] == "workforce"
        assert (await http.get("/orgs/nobody/settings")).status_code == 404


@pytest.fixture
async def ready() -> AsyncIterator[Ready]:
    """Serve two orgs on free ports."""
    orgs = (OrgConfig("prod", 1), OrgConfig("preview", 2, "free"))
    async with serving(SandboxConfig(0, 0, 0, orgs=orgs)) as ready:
        yield ready


async def test_each_org_has_its_own_port(ready: Ready) -> None:
    """The ready document names, for each org, addresses that work and what opens them."""
    shown = ready.as_json()["orgs"]
    trust = ssl.create_default_context(cafile=str(ready.ca_file))
    async with httpx2.AsyncClient(verify=trust) as http:
        for org in shown:  # type: ignore[union-attr]  # a list
            headers = {"authorization": f"SSWS {org['ssws_token']}"}  # type: ignore[index, call-overload]  # JSON
            for url in (org["http_url"], org["https_url"]):  # type: ignore[index, call-overload]  # JSON
                answer = await http.get(f"{url}/api/v1/users/me", headers=headers)
                assert answer.status_code == 200


async def test_certificate_covers_the_names(ready: Ready) -> None:
    """A client that trusts the CA can ask for an org by its name."""
    trust = ssl.create_default_context(cafile=str(ready.ca_file))
    token = ready.fleet["preview"].seeded.api_token
    port = ready.https_url.rpartition(":")[2]
    async with httpx2.AsyncClient(verify=trust) as http:
        answer = await http.get(
            f"https://127.0.0.1:{port}/api/v1/users/me",
            headers={"host": f"preview.localhost:{port}", "authorization": f"SSWS {token}"},
            extensions={"sni_hostname": "preview.localhost"},
        )
    assert answer.status_code == 200
