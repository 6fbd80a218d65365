"""What a server tells of whoever granted an access token (OpenID Connect Core 1.0, 5.3)."""

import httpx2
import pytest
from echo_kit import BASE, Echo, Step, client, told

from keyturn.domain.oauth.provider import Endpoints
from keyturn.domain.sensitive import Sensitive

ACCESS = Sensitive("canary-access")
ONE = client(endpoints=Endpoints(userinfo=f"{BASE}/userinfo"))


async def test_a_person_is_told_of_by_their_token() -> None:
    """The token is shown in the header alone (RFC 6750, 2.1), and the client's secret to nobody."""
    echo = Echo(told(200, {"sub": "00u1", "groups": ["A"]}))
    found = await echo.servers.read_userinfo(ONE, ACCESS)
    assert found == {"sub": "00u1", "groups": ["A"]}
    (asked,) = echo.heard
    assert echo.targets == [f"GET {BASE}/userinfo"]
    assert asked.headers["authorization"] == "Bearer canary-access"
    assert asked.content == b""


@pytest.mark.parametrize(
    "step",
    [
        told(401, {"sub": "00u1"}),
        told(500, {"sub": "00u1"}),
        told(200, ["sub"]),
        httpx2.Response(200, content=b"eyJhbGciOiJub25lIn0.e30."),
        httpx2.Response(302, headers={"location": f"{BASE}/elsewhere"}),
        httpx2.ReadTimeout(""),
    ],
    ids=range(6),
)
async def test_what_is_no_answer_tells_nothing(step: Step) -> None:
    """Neither a refusal that says something, nor a page, nor a way to elsewhere."""
    echo = Echo(step)
    assert await echo.servers.read_userinfo(ONE, ACCESS) == {}
    assert len(echo.heard) == 1


@pytest.mark.parametrize("bad", ["", "http://as.example.com/userinfo", "file:///etc/passwd"])
async def test_a_token_goes_to_no_address_that_is_none(bad: str) -> None:
    """Nobody is asked."""
    echo = Echo()
    one = client(endpoints=Endpoints(userinfo=bad))
    assert await echo.servers.read_userinfo(one, ACCESS) == {}
    assert echo.heard == []
