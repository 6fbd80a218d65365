"""Two ways to turn a client secret: Keyturn's, and the order that hand-written scripts use.

Both go through public APIs only, and both tell each phase as it is reached.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import httpx2
from pydantic import BaseModel

from keyturn.cli.following import Follower
from keyturn.cli.rehearsal.stage import SECRET_NAME, Stage
from keyturn.wire.connections import CreateConnection
from keyturn.wire.rotations import CreateRotation

Tell = Callable[[str], None]
A_HUMAN_SECOND_S = 1.0


class Script(Protocol):
    """A way to turn a client secret."""

    phases: int

    async def prepare(self) -> None:
        """Make the app's secret readable by name."""
        ...

    async def turn(self, tell: Tell) -> bool:
        """Replace the client secret once; say whether it came to its end."""
        ...


class Managed:
    """Keyturn's way: a rotation made through the API, and a turn for each call."""

    phases = 9

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rotation_id = ""

    async def prepare(self) -> None:
        """Connect the org and create the rotation; it adopts the secret that the app has."""
        api, project_id = self._stage.api, self._stage.project_id
        credentials = {
            "instanceUrl": self._stage.ready.https_url,
            "apiToken": self._stage.org.ssws_token,
        }
        asked = {"name": "sandbox", "method": "api-token", "projectId": project_id}
        connection = await api.create_connection(
            CreateConnection.model_validate(asked | {"credentials": credentials})
        )
        body = {
            "name": "my-okta-rotation",
            "projectId": project_id,
            "description": "my client secret rotation",
            "connectionId": connection.id,
            "environment": self._stage.place.environment,
            "secretPath": self._stage.place.path,
            "isAutoRotationEnabled": True,
            "rotationInterval": 30,
            "rotateAtUtc": {"hours": 0, "minutes": 0},
            "parameters": {"clientId": self._stage.org.app.client_id},
            "secretsMapping": {"clientId": "OKTA_CLIENT_ID", "clientSecret": SECRET_NAME},
        }
        rotation = await api.create_rotation(CreateRotation.model_validate(body))
        self._rotation_id = rotation.id

    async def turn(self, tell: Tell) -> bool:
        """Ask for a turn and follow it to its end."""
        follower = Follower(self._stage.api, self._rotation_id, lambda step: tell(step.phase))
        await follower.rotate()
        return (await follower.until_ended()).phase == "finished"


class _Made(BaseModel):
    id: str
    client_secret: str


class Naive:
    """The hand-written order: issue, stop the old one, and only then tell the readers."""

    phases = 4

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._path = f"/api/v1/apps/{stage.org.app.id}/credentials/secrets"

    async def prepare(self) -> None:
        """Keep the app's secret in Keyturn as a plain one."""
        value = self._stage.org.app.client_secret
        await self._stage.api.create_secret(self._stage.place, SECRET_NAME, value)

    async def turn(self, tell: Tell) -> bool:
        """Replace the client secret as a script does."""
        headers = {"authorization": f"SSWS {self._stage.org.ssws_token}"}
        url, trust = self._stage.ready.https_url, self._stage.trust
        async with httpx2.AsyncClient(
            base_url=url, verify=trust, headers=headers, trust_env=False
        ) as http:
            old = (await http.get(self._path)).raise_for_status().json()[0]["id"]
            answer = (await http.post(self._path, json={})).raise_for_status()
            tell("issued")
            (await http.post(f"{self._path}/{old}/lifecycle/deactivate")).raise_for_status()
            tell("old one deactivated")
            (await http.delete(f"{self._path}/{old}")).raise_for_status()
            tell("old one deleted")
        await asyncio.sleep(A_HUMAN_SECOND_S)
        made = _Made.model_validate_json(answer.content)
        await self._stage.api.update_secret(self._stage.place, SECRET_NAME, made.client_secret)
        tell("new one stored for readers")
        return True
