"""Behind trusted proxies, networks, lockouts and the audit log go by who sent the request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from api_kit import House, problem
from identity_kit import LOGIN, SOMETHING, configure, credentials

from keyturn.api.app import build_api
from keyturn.domain.identity import Lockout, TokenRules
from keyturn.domain.proxies import parse_proxies

PROXY, STRANGER, CLIENT = "10.0.0.1", "203.0.113.9", "198.51.100.1"


@asynccontextmanager
async def connecting(house: House, peer: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Connect from an address to a server that trusts the proxies of 10.0.0.0/8."""
    app = build_api(house.world, version="0", proxies=parse_proxies("10.0.0.0/8"))
    transport = httpx2.ASGITransport(app, client=(peer, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="https://it.example") as http:
        yield http


async def log_in(house: House, peer: str, forwarded: str | None) -> httpx2.Response:
    """Log in from an address, with or without the header."""
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    async with connecting(house, peer) as http:
        return await http.post(LOGIN, json=credentials(house), headers=headers)


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        (PROXY, CLIENT, 200),
        (PROXY, f"{STRANGER}, {CLIENT}, 10.0.0.2", 200),
        (PROXY, f"{CLIENT}, {STRANGER}", 401),
        (PROXY, None, 401),
        (PROXY, "unknown", 401),
        (STRANGER, CLIENT, 401),
        (CLIENT, STRANGER, 200),
    ],
)
async def test_trusted_networks_are_of_the_client(
    house: House, peer: str, forwarded: str | None, status: int
) -> None:
    """Who comes by a proxy has its own address; nobody else gets one by a header."""
    await configure(house, trusted=(f"{CLIENT}/32",))
    assert (await log_in(house, peer, forwarded)).status_code == status


async def test_no_other_header_tells_where_a_request_comes_from(house: House) -> None:
    """Neither the host that a request names nor its like is ever read for that."""
    await configure(house, trusted=(f"{CLIENT}/32",))
    headers = dict.fromkeys(
        ("host", "forwarded", "x-real-ip", "x-forwarded-host", "x-client-ip"), CLIENT
    )
    async with connecting(house, PROXY) as http:
        answer = await http.post(LOGIN, json=credentials(house), headers=headers)
    assert answer.status_code == 401


async def test_several_headers_are_one_list(house: House) -> None:
    """A proxy may add a header of its own below the client's; the last one counts."""
    await configure(house, trusted=(f"{CLIENT}/32",))
    headers = [("x-forwarded-for", CLIENT), ("x-forwarded-for", STRANGER)]
    async with connecting(house, PROXY) as http:
        for given, status in ((headers, 401), (headers[::-1], 200)):
            answer = await http.post(LOGIN, json=credentials(house), headers=given)
            assert answer.status_code == status


async def test_nobody_from_elsewhere_locks_an_identity_out(house: House) -> None:
    """Wrong client secrets by the proxy from outside of its networks are not counted."""
    await configure(house, trusted=(f"{CLIENT}/32",), lockout=Lockout(after=1))
    wrong = credentials(house, clientSecret="wrong")
    async with connecting(house, PROXY) as http:
        for _ in range(3):
            answer = await http.post(LOGIN, json=wrong, headers={"x-forwarded-for": STRANGER})
            assert problem(answer) == (401, "UnauthorizedError")
    assert (await log_in(house, PROXY, CLIENT)).status_code == 200


async def test_the_audit_log_names_the_client(house: House) -> None:
    """A log-in by a proxy is on record with the address of who sent it."""
    await log_in(house, PROXY, f"{STRANGER}, {CLIENT}")
    async with house.world.store.reading() as tx:
        last = await tx.latest_audit()
    assert last
    assert last.attempt.subject.endswith(f"from {CLIENT}")


async def test_a_token_is_good_from_its_networks_only(house: House) -> None:
    """Plain and general requests alike take the address from the proxy."""
    await configure(house, tokens=house_rules())
    token = (await log_in(house, PROXY, CLIENT)).json()["accessToken"]
    async with connecting(house, PROXY) as http:
        for path in (SOMETHING, "/api/v3/secrets/raw"):
            for address, status in ((CLIENT, 200), (STRANGER, 401)):
                headers = {"authorization": f"Bearer {token}", "x-forwarded-for": address}
                answer = await http.get(path, params=house.place, headers=headers)
                assert answer.status_code == status


def house_rules() -> TokenRules:
    """Return rules by which tokens are good from one address."""
    return TokenRules(trusted=(f"{CLIENT}/32",))
