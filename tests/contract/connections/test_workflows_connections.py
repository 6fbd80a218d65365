"""A turn waits for connections inside Okta Workflows, until Okta's log proves the new secret.

Judged by the org's own truth: which secrets are ACTIVE there, and by which one a connection is
granted tokens. The console of Workflows is the sandbox's control port.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest
from org_kit import at_its_org, register
from rig import ORG_URL, PLACE, Rig

from keyturn.domain.evidence import Shut
from keyturn.domain.oauth.consumers import Adoption, Consumer, Proof
from keyturn.domain.oauth.workflows import Lack
from keyturn.domain.turn import Opened, Overlap, Phase
from keyturn.sandbox import Fault, build_app, build_control
from keyturn.services.consumers import ConsumerDraft, confirm_consumer, create_consumer
from keyturn.services.credentials import Credential
from keyturn.services.policies import PolicyChange
from keyturn.services.readers import acknowledge
from keyturn.services.reports import list_turns
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate
from keyturn.services.usage import usage_of_rotation

BY_LOG = PolicyChange(overlap=Overlap.EVIDENCE, backstop_s=86_400, log=True, quiet_s=600)
NAME = "OKTA_CLIENT_SECRET"
A, B = "Okta prod", "Okta devices"


@dataclass
class Workflows:
    """Connections inside Okta Workflows: the copies of the secret that they keep."""

    rig: Rig
    rotation_id: str = ""
    registration_id: str = ""
    copies: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    async def touch(self, name: str, secret: str | None = None) -> None:
        """Have an admin reauthorize a connection; without a secret nothing comes of it."""
        told = {"name": name, "change": "reauthorize"}
        if secret:
            client_id = self.rig.org.read_app(self.rig.app_id).client_id
            told |= {"client_id": client_id, "client_secret": secret}
        control = httpx2.ASGITransport(build_control(self.rig.org, "t"))
        headers = {"authorization": "Bearer t"}
        async with httpx2.AsyncClient(transport=control, headers=headers) as http:
            answer = await http.post("http://127.0.0.1:1/workflows-connections", json=told)
        self.rig.clock.advance(1)
        if secret and answer.json()["granted"]:
            self.copies[name], self.tokens[name] = secret, answer.json()["refresh_token"]

    async def renew(self, name: str) -> bool:
        """Have a connection refresh its token with its copy; say whether Okta granted one."""
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens[name]}
        client_id = self.rig.org.read_app(self.rig.app_id).client_id
        transport = httpx2.ASGITransport(build_app(self.rig.org))
        async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
            auth = httpx2.BasicAuth(client_id, self.copies[name])
            answer = await http.post("/oauth2/v1/token", data=form, auth=auth)
        self.rig.clock.advance(1)
        return answer.status_code == 200

    async def served(self) -> str:
        """Read the secret that is served, as an admin does who puts it in and keeps none."""
        found = await read_secret(self.rig.world, self.rig.admin, PLACE, NAME)
        number = found.version.number
        await acknowledge(self.rig.world, self.rig.admin, PLACE, NAME, number)
        return found.value.reveal()

    async def turned(self) -> None:
        """Turn the secret, and let the shortest overlap pass."""
        await rotate(self.rig.world, self.rig.admin, self.rotation_id)
        await self.rig.live(301)

    async def waits(self) -> list[str]:
        """Say what the gate waits for after another look, while both secrets are ACTIVE at Okta."""
        await self.rig.live(301)
        told = (await list_turns(self.rig.world, self.rig.admin, self.rotation_id))[0]
        assert told.turn.phase is Phase.OVERLAPPING
        assert [each["status"] for each in self.rig.living()] == ["ACTIVE", "ACTIVE"]
        return [each.who for each in told.gate.waiting] if isinstance(told.gate, Shut) else []

    async def consumer(self, name: str) -> Consumer:
        """Return what is noted of a consumer."""
        async with self.rig.world.store.reading() as tx:
            found = await tx.find(Consumer, name=name)
        assert found
        return found


@asynccontextmanager
async def workflows(rig: Rig, *names: str) -> AsyncIterator[Workflows]:
    """Rotate the secret of the Workflows OAuth app, which connections keep copies of."""
    async with at_its_org(rig):
        rotation = (await rig.rotation(policy=BY_LOG)).rotation
        registration_id = await register(rig, Credential(rotation=rotation.name))
        it = Workflows(rig, rotation.id, registration_id)
        await it.served()
        for number, name in enumerate(names):
            told = ConsumerDraft(f"c{number}", Adoption.RESTART, workflows=name)
            await create_consumer(rig.world, rig.admin, registration_id, told)
            await it.touch(name, await it.served())
        rig.clock.advance(60)
        yield it


async def test_the_gate_opens_on_grants_with_the_new_secret(rig: Rig) -> None:
    """Tried and proved are told apart, with their times; the connection never fails."""
    async with workflows(rig, A) as it:
        await it.turned()
        assert [Lack.UNTOUCHED in who for who in await it.waits() if A in who] == [True]
        assert await it.renew(A)
        await it.touch(A, await it.served())
        touched_at = rig.clock.now()
        await rig.live(301)
        done = await it.consumer("c0")
        assert (done.confirmed, done.proof, done.told) == (2, Proof.LOG, "")
        assert done.touched_at
        assert done.confirmed_at == done.touched_at <= touched_at
        turn = await rig.run(it.rotation_id)
        assert (turn.phase, turn.opened) == (Phase.FINISHED, Opened.EVIDENCE)
        assert [each["status"] for each in rig.living()] == ["ACTIVE"]
        assert await it.renew(A)


async def test_an_event_without_a_grant_opens_nothing(rig: Rig) -> None:
    """Whoever tried had nothing granted: the connection still refreshes with the old secret."""
    async with workflows(rig, A) as it:
        await it.turned()
        await it.touch(A)
        (who,) = [each for each in await it.waits() if A in each]
        assert Lack.UNPROVED in who
        noted = await it.consumer("c0")
        assert (noted.touched_at is not None, noted.confirmed) == (True, 1)


async def test_a_grant_with_the_old_secret_after_it_keeps_it_shut(rig: Rig) -> None:
    """Until one with the new secret comes after that."""
    async with workflows(rig, A) as it:
        await it.turned()
        old = it.copies[A]
        await it.touch(A, await it.served())
        new = it.copies[A]
        it.copies[A] = old
        assert await it.renew(A)
        (who,) = [each for each in await it.waits() if A in each]
        assert Lack.RELAPSED in who
        await rig.live(7200)
        assert [each for each in await it.waits() if A in each]
        it.copies[A] = new
        assert await it.renew(A)
        assert (await rig.run(it.rotation_id)).opened is Opened.EVIDENCE


async def test_each_of_several_is_waited_for(rig: Rig) -> None:
    """The renewals of the one prove nothing of the other."""
    async with workflows(rig, A, B) as it:
        await it.turned()
        await it.touch(A, await it.served())
        await it.touch(B)
        assert await it.renew(A)
        assert await it.renew(B)
        waits = await it.waits()
        assert [A in who for who in waits] == [False]
        assert B in waits[0]
        await it.touch(B, await it.served())
        assert (await rig.run(it.rotation_id)).opened is Opened.EVIDENCE
        assert await it.renew(A)
        assert await it.renew(B)


async def test_an_operators_word_is_enough(rig: Rig) -> None:
    """Whatever the log tells."""
    async with workflows(rig, A) as it:
        await it.turned()
        assert await it.waits()
        await confirm_consumer(rig.world, rig.admin, it.registration_id, "c0")
        await it.touch(A, await it.served())
        assert (await rig.run(it.rotation_id)).opened is Opened.EVIDENCE
        assert (await it.consumer("c0")).proof is Proof.WORD


async def test_without_access_to_the_log_a_word_is_asked_for(rig: Rig) -> None:
    """The plan says so before, the gate meanwhile; nothing else of the turn is hindered."""
    async with workflows(rig, A) as it:
        used = await usage_of_rotation(rig.world, rig.admin, it.rotation_id, log=True)
        assert used.log_readable is True
        rig.org.add_fault(Fault("error-before-effect", "GET", "/api/v1/logs", status=403))
        used = await usage_of_rotation(rig.world, rig.admin, it.rotation_id, log=True)
        assert used.log_readable is False
        await it.turned()
        assert [Lack.UNSEEN in who for who in await it.waits() if A in who] == [True]


@pytest.mark.parametrize("inside", [False, True])
async def test_the_log_is_read_for_such_connections_alone(rig: Rig, *, inside: bool) -> None:
    """One call a look while one is waited for; none where none is told of."""
    async with workflows(rig, *[A][: int(inside)]) as it:
        await rotate(rig.world, rig.admin, it.rotation_id)
        await it.served()
        rig.calls()
        await rig.live(301)
        await rig.live(301)
        reads = [each for each in rig.calls() if each["path"].startswith("/api/v1/logs")]
        assert len(reads) == (2 if inside else 1)
