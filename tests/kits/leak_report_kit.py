"""Secrets that leak, who reports them, and GitHub that signs what it finds."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from inventory_kit import populate
from rig import PLACE, Rig

from keyturn.adapters.oidc import GitHubScanner
from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.sensitive import Sensitive
from keyturn.services.leaks import LeakDraft, Received, report_leaks
from keyturn.services.leaks_under_way import follow_leaks
from keyturn.services.ports import World
from keyturn.services.secrets import read_secret

KEYS_URL = "https://keys.example.com/secret_scanning"
SEEN = "https://github.com/o/r/blob/main/settings.py"
ELSEWHERE = Sensitive("nothing-here-begins-or-reads-like-this")
KEY = ec.generate_private_key(ec.SECP256R1())


async def served(rig: Rig) -> Sensitive:
    """Return what a reader of the rotation is given."""
    return (await read_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET")).value


async def report(rig: Rig, **given: object) -> LeakReport:
    """Report a leak as administrator, who is told which report it is."""
    [found] = await reports(rig, **given)
    return found


async def reports(rig: Rig, **given: object) -> Sequence[LeakReport]:
    """Report a leak as administrator; there may be several that are meant."""
    received = await reported(rig, rig.admin, **given)
    assert received.reports is not None
    return received.reports


async def reported(rig: Rig, caller: Caller, **given: object) -> Received:
    """Report a leak as somebody."""
    draft = LeakDraft(**{"seen_in": SEEN} | given)  # type: ignore[arg-type]  # any field
    return await report_leaks(rig.world, caller, [draft])


async def kept(rig: Rig) -> list[LeakReport]:
    """Return the reports as they stand, the oldest first."""
    async with rig.world.store.reading() as tx:
        return [*await tx.list(LeakReport)]


async def followed(rig: Rig, seconds: float = 0) -> LeakReport:
    """Let time pass, have the reports looked at, and return the newest."""
    rig.clock.advance(seconds)
    await follow_leaks(rig.world)
    return (await kept(rig))[-1]


async def told(rig: Rig) -> list[Notice]:
    """Return what people were told of leaks."""
    async with rig.world.store.reading() as tx:
        return [*await tx.list(Notice, kind=Kind.LEAKED)]


async def unknown_of(rig: Rig) -> Sensitive:
    """Return the secret of an app that nothing here has listed yet."""
    [alone] = populate(rig.org, 1)
    return Sensitive(rig.org.apps[alone].secrets[0].value)


def scanner(rig: Rig) -> Caller:
    """Return a program that may report leaks, and nothing else."""
    role = Role("scanner", "Scanner", (Grant(frozenset({Verb.REPORT_LEAKS})),))
    return Caller("scanner", "scanner", rig.admin.organization_id, (Holding(role),))


class GitHub:
    """GitHub's secret scanning: it publishes its keys, and signs what it has found."""

    def __init__(self) -> None:
        self.keys = {"one": KEY}
        self.document: object = None
        self.status = 200
        self.asked = 0

    def scanned(self, world: World) -> World:
        """Return the world with the way to this GitHub."""
        way = httpx2.MockTransport(self.answer)
        return replace(world, scanners=GitHubScanner(KEYS_URL, world.clock, lambda: way))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer whoever asks for the keys."""
        assert str(request.url) == KEYS_URL
        self.asked += 1
        public = [
            {"key_identifier": name, "key": pem(key), "is_current": True}
            for name, key in self.keys.items()
        ]
        return httpx2.Response(self.status, json=self.document or {"public_keys": public})


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half of a key as GitHub publishes it."""
    form = PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


def message(*tokens: str, url: str = SEEN) -> bytes:
    """Return what GitHub sends of some values."""
    found = [{"token": each, "type": "okta", "url": url, "source": "content"} for each in tokens]
    return json.dumps(found).encode()


def signature(body: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """Sign a message as GitHub does."""
    return base64.b64encode(key.sign(body, ec.ECDSA(SHA256()))).decode()


def headers(body: bytes, key_id: str = "one") -> dict[str, str]:
    """Return the headers by which GitHub proves a message."""
    return {
        "github-public-key-identifier": key_id,
        "github-public-key-signature": signature(body),
        "content-type": "application/json",
    }
