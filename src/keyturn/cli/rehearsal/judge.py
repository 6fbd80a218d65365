"""What the sandbox itself recorded: the judge is the org, not the product.

Reads the control port's counts and truth; what Keyturn serves is compared with them.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import httpx2
from pydantic import BaseModel

from keyturn.cli.rehearsal.stage import Stage
from keyturn.sandbox.state.records import hash_secret


class TrueSecret(BaseModel):
    """A client secret as the org remembers it, also after its deletion."""

    hash: str
    status: str
    created_at: datetime
    activated_at: datetime
    deactivated_at: datetime | None


class TrueApp(BaseModel):
    """An app with every client secret that it ever had, oldest first."""

    id: str
    secrets: tuple[TrueSecret, ...]


class Truth(BaseModel):
    """The org's own record."""

    now: datetime
    apps: tuple[TrueApp, ...]


@dataclass(frozen=True)
class History:
    """What became of an app's client secrets until now, oldest first."""

    secrets: tuple[TrueSecret, ...]
    now: datetime


class Counts(BaseModel):
    """How many requests the org was asked, by subject."""

    management: int


async def count_management_calls(stage: Stage) -> int:
    """Return how many calls the management API has received."""
    return Counts.model_validate_json(await _look(stage, "/counts")).management


async def read_history(stage: Stage) -> History:
    """Return every client secret that the app ever had, and the org's time."""
    truth = Truth.model_validate_json(await _look(stage, "/truth"))
    app = next(app for app in truth.apps if app.id == stage.org.app.id)
    return History(app.secrets, truth.now)


def measure_overlaps_s(history: History) -> list[float]:
    """Return for how many seconds each secret was ACTIVE together with the next one."""
    ends = [secret.deactivated_at or history.now for secret in history.secrets]
    return [
        round((min(end, next_end) - new.activated_at).total_seconds(), 3)
        for (end, next_end), new in zip(pairwise(ends), history.secrets[1:], strict=True)
    ]


def find_fault(history: History, served_value: str) -> str | None:
    """Return what is wrong with the end: one secret is left, ACTIVE, and it is the one served."""
    left = [one for one in history.secrets if one.status != "DELETED"]
    if [one.status for one in left] != ["ACTIVE"]:
        return f"The org is left with {len(left)} client secrets: {[one.status for one in left]}."
    if left[0].hash != hash_secret(served_value):
        return "Keyturn serves another client secret than the org has."
    return None


async def _look(stage: Stage, path: str) -> bytes:
    headers = {"authorization": f"Bearer {stage.ready.control_token}"}
    async with httpx2.AsyncClient(base_url=stage.ready.control_url, trust_env=False) as http:
        answer = await http.get(path, headers=headers)
    return answer.raise_for_status().content
