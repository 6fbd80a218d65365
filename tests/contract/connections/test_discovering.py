"""What an issuer lists decides how a client authenticates, where nobody says it."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from connections_kit import AT, registration
from rig import Rig

from keyturn.domain.errors import InvalidInput
from keyturn.domain.oauth.metadata import Metadata
from keyturn.domain.oauth.provider import ClientAuth, Endpoints
from keyturn.testing import FakeServers


class TellingServers(FakeServers):
    """A server that says of itself how clients may authenticate."""

    listed: frozenset[str] = frozenset()

    async def read_metadata(self, issuer: str, *, foreign: Collection[str] = ()) -> Metadata:
        """Say it."""
        return Metadata(issuer, issuer, Endpoints(token=f"{AT}/token"), auths=self.listed)


async def auth_at(rig: Rig, *listed: str, preset: str = "", **told: object) -> ClientAuth:
    """Return how a client authenticates at an issuer that lists these."""
    servers = TellingServers(rig.clock)
    servers.listed = frozenset(listed)
    there = replace(rig, world=replace(rig.world, servers=servers))
    made = await registration(there, issuer=AT, preset=preset, provider=told)
    return made.provider.auth


@pytest.mark.parametrize(
    ("listed", "auth"),
    [
        ([], ClientAuth.BASIC),
        (["client_secret_post", "client_secret_basic"], ClientAuth.BASIC),
        (["none", "client_secret_post"], ClientAuth.POST),
    ],
)
async def test_a_secret_goes_the_way_that_the_issuer_takes(
    rig: Rig, listed: list[str], auth: ClientAuth
) -> None:
    """A Basic header, also where nothing is said (RFC 8414, 2), or else the body."""
    assert await auth_at(rig, *listed) is auth


@pytest.mark.parametrize(
    ("preset", "listed", "auth"),
    [
        ("gitlab", [], ClientAuth.POST),
        ("gitlab", ["client_secret_basic", "client_secret_post"], ClientAuth.POST),
        ("gitlab", ["client_secret_basic"], ClientAuth.BASIC),
        ("slack", ["client_secret_basic", "client_secret_post"], ClientAuth.BASIC),
        ("slack", ["client_secret_post"], ClientAuth.POST),
    ],
)
async def test_of_a_presets_way_and_the_issuers_the_one_that_both_know_is_taken(
    rig: Rig, preset: str, listed: list[str], auth: ClientAuth
) -> None:
    """The preset's where the issuer takes it or is silent, and else one that the issuer takes."""
    assert await auth_at(rig, *listed, preset=preset) is auth


async def test_what_takes_more_than_a_secret_has_to_be_said(rig: Rig) -> None:
    """The error names what the issuer takes, as far as it is known; once said, it is used."""
    taken = ("private_key_jwt", "canary", "none")
    with pytest.raises(InvalidInput, match=r"provider\.auth: .* takes none, private_key_jwt$"):
        await auth_at(rig, *taken)
    with pytest.raises(InvalidInput, match="takes nothing known here"):
        await auth_at(rig, "canary")
    assert await auth_at(rig, *taken, auth="private_key_jwt") is ClientAuth.KEY_JWT
