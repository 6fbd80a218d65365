"""Keyturn's HTTP API as typed calls; each makes one request, and one more after logging in."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import ValidationError

from keyturn.client.errors import Unreachable, not_keyturn, refusal, wants_log_in
from keyturn.wire.base import Wire
from keyturn.wire.budgets import Budget, BudgetsAnswer
from keyturn.wire.connections import (
    Connection,
    ConnectionAnswer,
    ConnectionsAnswer,
    CreateConnection,
    TurnKey,
    UpdateConnection,
)
from keyturn.wire.findings import Finding, FindingsAnswer
from keyturn.wire.login import LoggedIn, Login
from keyturn.wire.projects import Project, ProjectAnswer
from keyturn.wire.rotations import (
    DEFAULT_TYPE,
    AdoptExisting,
    Algorithm,
    CreateRotation,
    RetireExisting,
    Rotation,
    RotationAnswer,
    RotationsAnswer,
    RotationType,
    UpdateRotation,
)
from keyturn.wire.schedules import PreviewAnswer, ScheduleDraft
from keyturn.wire.secrets import CreateSecret, Secret, SecretAnswer, SecretsAnswer, UpdateSecret
from keyturn.wire.turns import Evidence, FinishNow, StartTurn, Turn, TurnsAnswer

LOGIN = "/api/v1/auth/universal-auth/login"
CONNECTIONS = "/api/v1/app-connections/okta"
BUDGETS = "/api/v1/budgets"
FINDINGS = "/api/v1/findings"
EVERY_ROTATION = "/api/v2/secret-rotations"
ROTATIONS = f"{EVERY_ROTATION}/{DEFAULT_TYPE}"
SECRETS = "/api/v3/secrets/raw"
TIMEOUT_S = 60.0
"""A turn is waited for until its new secret is served, which takes several calls to Okta."""

W = TypeVar("W", bound=Wire)
Query = Mapping[str, str]
Which = Rotation | str
"""A rotation as it was answered, or the id of one that turns a client secret of an app."""


@dataclass(frozen=True)
class Token:
    """An access token that somebody was given."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """A machine identity, which logs in by itself (universal auth)."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Place:
    """Where secrets are: a project by id or slug, the slug of its environment, a folder."""

    project: str
    environment: str
    path: str = "/"

    def query(self) -> dict[str, str]:
        """Return the place as the routes of secrets want it."""
        return {
            "projectId": self.project,
            "environment": self.environment,
            "secretPath": self.path,
        }


class KeyturnApi:
    """One server, reached as one caller. Use it as an async context manager.

    ``ca_file`` names certificates to trust beside the public ones. Proxies of the environment are
    not used: tokens and values are for Keyturn alone. Every call raises ApiError where Keyturn says
    no, and Unreachable where it says nothing.
    """

    def __init__(
        self,
        url: str,
        credentials: Token | Identity,
        *,
        ca_file: Path | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._credentials = credentials
        self._token: str | None = None
        self._one_log_in = asyncio.Lock()
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            timeout=TIMEOUT_S,
            verify=_trust(ca_file) if ca_file else True,
            transport=transport,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def read_project(self, project: str) -> Project:
        """Read a project by its id or slug."""
        path = f"/api/v1/projects/{_part(project)}"
        return (await self._call(ProjectAnswer, "GET", path)).project

    # --- connections ------------------------------------------------------------------------

    async def list_connections(self, project_id: str | None = None) -> tuple[Connection, ...]:
        """List the Okta connections of a project and those of the organization."""
        query = {"projectId": project_id} if project_id else {}
        answer = await self._call(ConnectionsAnswer, "GET", CONNECTIONS, query=query)
        return answer.app_connections

    async def create_connection(self, body: CreateConnection) -> Connection:
        """Create an Okta connection, once Okta has accepted its credentials."""
        return await self._connection("POST", "", body)

    async def update_connection(self, connection_id: str, body: UpdateConnection) -> Connection:
        """Change an Okta connection; what the body does not name stays as it is."""
        return await self._connection("PATCH", f"/{_part(connection_id)}", body)

    async def delete_connection(self, connection_id: str) -> Connection:
        """Delete an Okta connection that no rotation uses."""
        return await self._connection("DELETE", f"/{_part(connection_id)}")

    async def turn_key(self, connection_id: str, algorithm: Algorithm = "RS256") -> Rotation:
        """Turn the key of a connection's service app; return once the connection uses the new."""
        path = f"{CONNECTIONS}/{_part(connection_id)}/turn-key"
        body = TurnKey(key_algorithm=algorithm)
        return (await self._call(RotationAnswer, "POST", path, body=body)).secret_rotation

    async def list_budgets(self) -> tuple[Budget, ...]:
        """List what is left of the rate limits of the orgs that are connected."""
        return (await self._call(BudgetsAnswer, "GET", BUDGETS)).budgets

    async def _connection(self, method: str, path: str, body: Wire | None = None) -> Connection:
        answer = await self._call(ConnectionAnswer, method, CONNECTIONS + path, body=body)
        return answer.app_connection

    # --- rotations --------------------------------------------------------------------------

    async def list_rotations(self, project_id: str) -> tuple[Rotation, ...]:
        """List the rotations of a project, of every type."""
        query = {"projectId": project_id}
        answer = await self._call(RotationsAnswer, "GET", EVERY_ROTATION, query=query)
        return answer.secret_rotations

    async def read_rotation(self, which: Which) -> Rotation:
        """Read one rotation."""
        return await self._rotation("GET", _of(which))

    async def create_rotation(
        self, body: CreateRotation, kind: RotationType = DEFAULT_TYPE
    ) -> Rotation:
        """Create a rotation of a type; its secrets are served from then on."""
        path = f"{EVERY_ROTATION}/{kind}"
        return (await self._call(RotationAnswer, "POST", path, body=body)).secret_rotation

    async def update_rotation(self, which: Which, body: UpdateRotation) -> Rotation:
        """Change a rotation; what the body does not name stays as it is."""
        return await self._rotation("PATCH", _of(which), body)

    async def preview_rotation(self, which: Which, *, count: int = 10) -> PreviewAnswer:
        """List the next dates of a rotation."""
        path, query = f"{_of(which)}/preview", {"count": str(count)}
        return await self._call(PreviewAnswer, "GET", path, query=query)

    async def preview_schedule(self, draft: ScheduleDraft, *, count: int = 10) -> PreviewAnswer:
        """List the next dates of a schedule that no rotation has yet; nothing is stored."""
        path, query = f"{ROTATIONS}/preview", {"count": str(count)}
        return await self._call(PreviewAnswer, "POST", path, query=query, body=draft)

    async def rotate(self, which: Which) -> Rotation:
        """Start a turn, or resume a blocked one; return once the new secret is served."""
        return await self._rotation("POST", f"{_of(which)}/rotate-secrets")

    async def start_turn(self, which: Which, *, emergency: bool = False) -> Rotation:
        """Start a turn as `rotate` does; in an emergency the old secret goes at once."""
        return await self._turn(which, "", StartTurn(emergency=emergency))

    async def pause_turn(self, which: Which) -> Rotation:
        """Let the open turn stand still."""
        return await self._turn(which, "/pause")

    async def resume_turn(self, which: Which) -> Rotation:
        """Let a paused or blocked turn go on."""
        return await self._turn(which, "/resume")

    async def abort_turn(self, which: Which) -> Rotation:
        """Take the new secret back before anybody is served it."""
        return await self._turn(which, "/abort")

    async def reinstate_old(self, which: Which) -> Rotation:
        """Activate the retired secret at Okta again."""
        return await self._turn(which, "/reinstate")

    async def finish_now(self, which: Which, *, at_once: bool = False) -> Rotation:
        """Cut the overlap or the soak short; ``at_once`` leaves both out."""
        return await self._turn(which, "/finish-now", FinishNow(at_once=at_once))

    async def _turn(self, which: Which, what: str, body: Wire | None = None) -> Rotation:
        return await self._rotation("POST", f"{_of(which)}/turn{what}", body)

    async def read_evidence(self, which: Which, turn_id: str) -> Evidence:
        """Read the record of one turn."""
        return await self._call(Evidence, "GET", _evidence(which, turn_id))

    async def read_evidence_page(self, which: Which, turn_id: str) -> str:
        """Read the record of one turn as Markdown."""
        path, query = _evidence(which, turn_id), {"format": "markdown"}
        return (await self._answer("GET", path, query=query)).text

    async def retire_existing(self, which: Which, secret_id: str, made: date) -> Rotation:
        """Consent to retire a client secret (``ocs…``) of that day that Keyturn did not make."""
        body = RetireExisting(secret_id=secret_id, made=made)
        return await self._rotation("POST", f"{_of(which)}/retire-existing", body)

    async def adopt_existing(
        self, which: Which, secret_id: str, value: str | None = None
    ) -> Rotation:
        """Serve a client secret (``ocs…``) that Keyturn did not make, from now on."""
        body = AdoptExisting(secret_id=secret_id, value=value)
        return await self._rotation("POST", f"{_of(which)}/adopt-existing", body)

    async def list_turns(self, which: Which) -> tuple[Turn, ...]:
        """List the turns of a rotation with their steps, the newest first."""
        path = f"{_of(which)}/turns"
        return (await self._call(TurnsAnswer, "GET", path)).turns

    async def _rotation(self, method: str, path: str, body: Wire | None = None) -> Rotation:
        answer = await self._call(RotationAnswer, method, path, body=body)
        return answer.secret_rotation

    # --- drift ------------------------------------------------------------------------------

    async def list_findings(self, project_id: str) -> tuple[Finding, ...]:
        """List what has drifted at Okta in a project and is not mended."""
        query = {"projectId": project_id}
        return (await self._call(FindingsAnswer, "GET", FINDINGS, query=query)).findings

    async def repair_finding(self, finding_id: str) -> tuple[Finding, ...]:
        """Mend a drift as proposed; return what is left open in its rotation."""
        path = f"{FINDINGS}/{_part(finding_id)}/repair"
        return (await self._call(FindingsAnswer, "POST", path)).findings

    # --- secrets ----------------------------------------------------------------------------

    async def list_secrets(self, place: Place, *, values: bool = False) -> tuple[Secret, ...]:
        """List the secrets of a folder; without ``values`` the server keeps them to itself."""
        query = place.query() | {"viewSecretValue": "true" if values else "false"}
        return (await self._call(SecretsAnswer, "GET", SECRETS, query=query)).secrets

    async def read_secret(self, place: Place, name: str) -> Secret:
        """Read the current version of a secret."""
        path = f"{SECRETS}/{_part(name)}"
        return (await self._call(SecretAnswer, "GET", path, query=place.query())).secret

    async def create_secret(self, place: Place, name: str, value: str) -> Secret:
        """Store a new secret and serve it at once."""
        body = CreateSecret.model_validate(place.query() | {"secretValue": value})
        path = f"{SECRETS}/{_part(name)}"
        return (await self._call(SecretAnswer, "POST", path, body=body)).secret

    async def update_secret(self, place: Place, name: str, value: str) -> Secret:
        """Store the next value of a secret and serve it at once."""
        body = UpdateSecret.model_validate(place.query() | {"secretValue": value})
        path = f"{SECRETS}/{_part(name)}"
        return (await self._call(SecretAnswer, "PATCH", path, body=body)).secret

    # --- inside -----------------------------------------------------------------------------

    async def _call(
        self,
        shape: type[W],
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Wire | None = None,
    ) -> W:
        return _parse(shape, await self._answer(method, path, query=query, body=body))

    async def _answer(
        self, method: str, path: str, *, query: Query | None = None, body: Wire | None = None
    ) -> httpx2.Response:
        content = body.model_dump_json(exclude_unset=True, exclude_none=True) if body else None
        token = await self._bearer(refused=None)
        answer = await self._send(method, path, query, content, token)
        if wants_log_in(answer) and isinstance(self._credentials, Identity):
            token = await self._bearer(refused=token)
            answer = await self._send(method, path, query, content, token)
        if not answer.is_success:
            raise refusal(answer)
        return answer

    async def _bearer(self, *, refused: str | None) -> str:
        """Return a token, never the refused one of an identity; one log-in serves all callers."""
        if isinstance(self._credentials, Token):
            return self._credentials.value
        async with self._one_log_in:
            if self._token in (None, refused):
                self._token = await self._log_in(self._credentials)
            return self._token

    async def _log_in(self, identity: Identity) -> str:
        login = Login(client_id=identity.client_id, client_secret=identity.client_secret)
        answer = await self._send("POST", LOGIN, None, login.model_dump_json(), None)
        return _parse(LoggedIn, answer).access_token

    async def _send(
        self, method: str, path: str, query: Query | None, content: str | None, token: str | None
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if content is not None:
            headers["content-type"] = "application/json"
        try:
            return await self._http.request(
                method, path, params=query, content=content, headers=headers
            )
        except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
            why = type(error).__name__
            raise Unreachable(f"Keyturn does not answer at {self.url} ({why}).") from error


def _parse(shape: type[W], answer: httpx2.Response) -> W:
    if not answer.is_success:
        raise refusal(answer)
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError:
        raise not_keyturn(answer) from None


def _evidence(which: Which, turn_id: str) -> str:
    return f"{_of(which)}/turns/{_part(turn_id)}/evidence"


def _of(which: Which) -> str:
    """Return the path of a rotation, which is that of its type."""
    if isinstance(which, str):
        return f"{ROTATIONS}/{_part(which)}"
    return f"{EVERY_ROTATION}/{which.type}/{_part(which.id)}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _trust(ca_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context
