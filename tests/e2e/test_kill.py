"""SIGKILL at every boundary of a turn, with real processes and a consumer that never stops."""

import asyncio
from typing import Any

import httpx2
import pytest

from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
ONE = f"{SECRETS}/{{secretId}}"
WAY = [phase for phase in Phase if phase not in (Phase.PLANNED, Phase.ROLLED_BACK, Phase.BLOCKED)]


async def start_turn(installation: Any, rotation_id: str) -> None:  # noqa: ANN401  the fixture
    """Ask for a turn of a server that may die over it."""
    path = f"/api/v2/secret-rotations/okta-client-secret/{rotation_id}/rotate-secrets"
    try:
        await installation.ask("POST", path)
    except httpx2.TransportError:
        return


def assert_whole(installation: Any, turn: dict[str, Any], consumer: Any) -> None:  # noqa: ANN401
    """Judge by the org: the turn is done, nothing twice, nothing unknown, nobody refused."""
    assert turn["phase"] == "finished"
    first, second = installation.secrets_at_okta()
    assert first["deleted_at"]
    assert (second["status"], second["hash"]) == ("ACTIVE", turn["new"]["hash"])
    added = [post for post in installation.posts() if post["status"] == 201]
    assert len(added) == 1
    assert consumer.refused == []
    assert consumer.asked > 20


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("phase", WAY)
async def test_kill_at_a_phase_boundary(
    installation: Any,  # noqa: ANN401
    consume: Any,  # noqa: ANN401
    phase: str,
    moment: str,
) -> None:
    """Killed just before or just after a phase is durable, the turn ends and nobody notices."""
    await installation.start(phase, moment)
    rotation_id = await installation.create_rotation()
    async with consume(installation) as consumer:
        await start_turn(installation, rotation_id)
        assert await installation.died() == -9
        await installation.start()
        turn = await installation.finish(rotation_id)
    assert_whole(installation, turn, consumer)
    assert len(installation.posts()) == 1


CALLS = {
    "issue": ("POST", SECRETS, lambda secrets: len(secrets) == 2),
    "retire": (
        "POST",
        f"{ONE}/lifecycle/deactivate",
        lambda secrets: secrets[0]["status"] == "INACTIVE",
    ),
    "delete": ("DELETE", ONE, lambda secrets: bool(secrets[0]["deleted_at"])),
}


@pytest.mark.slow
@pytest.mark.parametrize("act", CALLS)
async def test_kill_between_effect_and_answer(
    installation: Any,  # noqa: ANN401
    consume: Any,  # noqa: ANN401
    act: str,
) -> None:
    """Killed when Okta has acted and not answered, the turn finds out by itself."""
    method, route, done = CALLS[act]
    await installation.start()
    rotation_id = await installation.create_rotation()
    held = Fault("delay-after-effect", method, route, count=1, seconds=30)
    installation.org.org.add_fault(held)
    async with consume(installation) as consumer:
        asking = asyncio.create_task(start_turn(installation, rotation_id))
        async with asyncio.timeout(20):
            while not done(installation.secrets_at_okta()):
                await asyncio.sleep(0.02)
        await installation.kill()
        await asking
        await installation.start()
        turn = await installation.finish(rotation_id)
    assert_whole(installation, turn, consumer)
    assert len(installation.posts()) == 1
