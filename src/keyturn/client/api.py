"""Keyturn's HTTP API as typed calls; each makes one request, and one more after logging in."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from keyturn.client.access import AccessCalls
from keyturn.client.calls import Query, parse, part
from keyturn.client.channels import ChannelCalls
from keyturn.client.compliance import ComplianceCalls
from keyturn.client.destinations import DestinationCalls
from keyturn.client.emergencies import EmergencyCalls
from keyturn.client.errors import ClientError
from keyturn.client.events import EventCalls
from keyturn.client.fleet import FleetCalls
from keyturn.client.fleet_files import FleetFileCalls
from keyturn.client.flow_tables import FlowTableCalls
from keyturn.client.flows import FlowCalls
from keyturn.client.folder import Folder, folder_of
from keyturn.client.inventory import InventoryCalls
from keyturn.client.layout import LayoutCalls
from keyturn.client.leaks import LeakCalls
from keyturn.client.oauth_connections import OAuthConnectionCalls
from keyturn.client.registrations import RegistrationCalls
from keyturn.client.rollouts import RolloutCalls
from keyturn.client.turns import EVERY_ROTATION, ROTATIONS, TurnCalls, Which, path_of
from keyturn.wire.audit import PAGE_MAX, AuditAnswer, AuditEntry, VerifiedAnswer
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
from keyturn.wire.findings import Compared, Finding, FindingsAnswer
from keyturn.wire.readers import (
    Acknowledge,
    Acknowledgement,
    AcknowledgementAnswer,
    HoldersAnswer,
)
from keyturn.wire.rotations import (
    DEFAULT_TYPE,
    Algorithm,
    CreateRotation,
    Rotation,
    RotationAnswer,
    RotationsAnswer,
    RotationType,
    UpdateRotation,
)
from keyturn.wire.schedules import PreviewAnswer, ScheduleDraft
from keyturn.wire.secrets import (
    BatchAnswer,
    ChangedSecret,
    CreateSecret,
    CreateSecrets,
    DeleteSecret,
    NewSecret,
    Secret,
    SecretAnswer,
    SecretsAnswer,
    SecretVersion,
    UpdateSecret,
    UpdateSecrets,
    VersionsAnswer,
)
from keyturn.wire.usage import UsageAnswer

CONNECTIONS = "/api/v1/app-connections/okta"
ACKNOWLEDGEMENTS = "/api/v1/acknowledgements"
AUDIT = "/api/v1/audit"
BUDGETS = "/api/v1/budgets"
FINDINGS = "/api/v1/findings"
HOLDERS = "/api/v1/secrets/holders"
SECRETS = "/api/v3/secrets/raw"
BATCH = "/api/v3/secrets/batch/raw"
WHOLE = {"include_imports": "true", "expandSecretReferences": "true"}
"""What a reader is given besides what a folder holds itself."""


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


class KeyturnApi(
    AccessCalls,
    ChannelCalls,
    ComplianceCalls,
    DestinationCalls,
    EmergencyCalls,
    EventCalls,
    FleetCalls,
    FleetFileCalls,
    FlowCalls,
    FlowTableCalls,
    InventoryCalls,
    RolloutCalls,
    LayoutCalls,
    LeakCalls,
    OAuthConnectionCalls,
    RegistrationCalls,
    TurnCalls,
):
    """What the API can be asked. Every call raises what `Calls` says."""

    # --- connections ------------------------------------------------------------------------

    async def list_connections(self, project_id: str | None = None) -> tuple[Connection, ...]:
        """List the Okta connections of a project and those of the organization."""
        query = {"projectId": project_id} if project_id else {}
        answer = await self.call(ConnectionsAnswer, "GET", CONNECTIONS, query=query)
        return answer.app_connections

    async def create_connection(self, body: CreateConnection) -> Connection:
        """Create an Okta connection, once Okta has accepted its credentials."""
        return await self._connection("POST", "", body)

    async def update_connection(self, connection_id: str, body: UpdateConnection) -> Connection:
        """Change an Okta connection; what the body does not name stays as it is."""
        return await self._connection("PATCH", f"/{part(connection_id)}", body)

    async def delete_connection(self, connection_id: str) -> Connection:
        """Delete an Okta connection that no rotation uses."""
        return await self._connection("DELETE", f"/{part(connection_id)}")

    async def turn_key(self, connection_id: str, algorithm: Algorithm = "RS256") -> Rotation:
        """Turn the key of a connection's service app; return once the connection uses the new."""
        path = f"{CONNECTIONS}/{part(connection_id)}/turn-key"
        body = TurnKey(key_algorithm=algorithm)
        return (await self.call(RotationAnswer, "POST", path, body=body)).secret_rotation

    async def check_connection(self, connection_id: str) -> Connection:
        """Have the org asked whether it accepts an Okta connection's credentials."""
        return await self._connection("POST", f"/{part(connection_id)}/check")

    async def compare_connection(self, connection_id: str) -> int:
        """Compare an Okta connection's rotations with Okta; return how many were looked at."""
        path = f"{CONNECTIONS}/{part(connection_id)}/compare"
        return (await self.call(Compared, "POST", path)).rotations

    async def list_budgets(self) -> tuple[Budget, ...]:
        """List what is left of the rate limits of the orgs that are connected."""
        return (await self.call(BudgetsAnswer, "GET", BUDGETS)).budgets

    async def _connection(self, method: str, path: str, body: Wire | None = None) -> Connection:
        answer = await self.call(ConnectionAnswer, method, CONNECTIONS + path, body=body)
        return answer.app_connection

    # --- rotations --------------------------------------------------------------------------

    async def list_rotations(self, project_id: str) -> tuple[Rotation, ...]:
        """List the rotations of a project, of every type."""
        query = {"projectId": project_id}
        answer = await self.call(RotationsAnswer, "GET", EVERY_ROTATION, query=query)
        return answer.secret_rotations

    async def read_rotation(self, which: Which) -> Rotation:
        """Read one rotation."""
        return await self.rotation("GET", path_of(which))

    async def read_rotation_usage(self, which: Which, *, check_log: bool = False) -> UsageAnswer:
        """Read what hangs on the client secret of a rotation: what a turn touches.

        With ``check_log`` also whether Okta lets Keyturn read its System Log for that.
        """
        query = {"checkLog": "true"} if check_log else {}
        return await self.call(UsageAnswer, "GET", f"{path_of(which)}/usage", query=query)

    async def create_rotation(
        self, body: CreateRotation, kind: RotationType = DEFAULT_TYPE
    ) -> Rotation:
        """Create a rotation of a type; its secrets are served from then on."""
        path = f"{EVERY_ROTATION}/{kind}"
        return (await self.call(RotationAnswer, "POST", path, body=body)).secret_rotation

    async def update_rotation(self, which: Which, body: UpdateRotation) -> Rotation:
        """Change a rotation; what the body does not name stays as it is."""
        return await self.rotation("PATCH", path_of(which), body)

    async def delete_rotation(
        self, which: Which, *, delete_secrets: bool = False, revoke: bool = False
    ) -> Rotation:
        """End a rotation; what it serves stays unless that is to be deleted, here and at Okta."""
        query = {"deleteSecrets": "true"} if delete_secrets else {}
        query |= {"revokeGeneratedCredentials": "true"} if revoke else {}
        path = path_of(which)
        return (await self.call(RotationAnswer, "DELETE", path, query=query)).secret_rotation

    async def preview_rotation(self, which: Which, *, count: int = 10) -> PreviewAnswer:
        """List the next dates of a rotation."""
        path, query = f"{path_of(which)}/preview", {"count": str(count)}
        return await self.call(PreviewAnswer, "GET", path, query=query)

    async def preview_schedule(self, draft: ScheduleDraft, *, count: int = 10) -> PreviewAnswer:
        """List the next dates of a schedule that no rotation has yet; nothing is stored."""
        path, query = f"{ROTATIONS}/preview", {"count": str(count)}
        return await self.call(PreviewAnswer, "POST", path, query=query, body=draft)

    # --- drift ------------------------------------------------------------------------------

    async def list_findings(self, project_id: str) -> tuple[Finding, ...]:
        """List what has drifted at Okta in a project and is not mended."""
        query = {"projectId": project_id}
        return (await self.call(FindingsAnswer, "GET", FINDINGS, query=query)).findings

    async def repair_finding(self, finding_id: str) -> tuple[Finding, ...]:
        """Mend a drift as proposed; return what is left open in its rotation."""
        path = f"{FINDINGS}/{part(finding_id)}/repair"
        return (await self.call(FindingsAnswer, "POST", path)).findings

    # --- audit ------------------------------------------------------------------------------

    async def list_audit(self, wanted: Query) -> tuple[AuditEntry, ...]:
        """List a page of the audit log, oldest first unless ``order`` is ``desc``."""
        return (await self.call(AuditAnswer, "GET", AUDIT, query=wanted)).entries

    async def export_audit(self, wanted: Query) -> AsyncIterator[AuditEntry]:
        """Give every entry of the audit log that fits, oldest first, page by page.

        Raises ClientError too where some are moved to a file before they are read.
        """
        after, page = 0, PAGE_MAX
        while page == PAGE_MAX:
            some = {**wanted, "after": str(after), "limit": str(PAGE_MAX)}
            entries = await self.list_audit(some)
            first = (await self.list_audit({"limit": "1"}))[0].number if after else 1
            if first > after + 1:
                raise ClientError(
                    f"Audit entries {after + 1} to {first - 1} were moved to a file meanwhile: the "
                    "export is not whole. Export again."
                )
            for entry in entries:
                yield entry
            page, after = len(entries), entries[-1].number if entries else after

    async def verify_audit(self, head: str | None) -> VerifiedAnswer:
        """Check that the audit log is whole, also against a head that was noted elsewhere."""
        query = {"head": head} if head else {}
        return await self.call(VerifiedAnswer, "GET", f"{AUDIT}/verify", query=query)

    # --- secrets ----------------------------------------------------------------------------

    async def list_secrets(
        self, place: Place, *, values: bool = False, expanded: bool = True
    ) -> tuple[Secret, ...]:
        """List the secrets of a folder; without ``values`` the server keeps them to itself.

        Without ``expanded``, references in values stand there as they were written.
        """
        query = place.query() | {"viewSecretValue": "true" if values else "false"}
        query["expandSecretReferences"] = "true" if expanded else "false"
        return (await self.call(SecretsAnswer, "GET", SECRETS, query=query)).secrets

    async def read_folder(
        self, place: Place, *, recursive: bool = False, held: str = ""
    ) -> Folder | None:
        """Read what a folder gives, imports included, with values, as of one moment.

        ``recursive`` takes the folders below too. Returns None where the copy whose tag is ``held``
        is still what would be given.
        """
        query = place.query() | WHOLE
        if recursive:
            query["recursive"] = "true"
        answer = await self.answer("GET", SECRETS, query=query, held=held)
        if answer.status_code == 304:
            return None
        return folder_of(parse(SecretsAnswer, answer), answer.headers.get("etag", ""))

    async def read_secret(self, place: Place, name: str) -> Secret:
        """Read the current version of a secret, of the folder's own or of those that it imports."""
        path, query = f"{SECRETS}/{part(name)}", place.query() | WHOLE
        return (await self.call(SecretAnswer, "GET", path, query=query)).secret

    async def create_secret(self, place: Place, name: str, value: str) -> Secret:
        """Store a new secret and serve it at once."""
        body = CreateSecret.model_validate(place.query() | {"secretValue": value})
        path = f"{SECRETS}/{part(name)}"
        return (await self.call(SecretAnswer, "POST", path, body=body)).secret

    async def update_secret(self, place: Place, name: str, value: str) -> Secret:
        """Store the next value of a secret and serve it at once."""
        body = UpdateSecret.model_validate(place.query() | {"secretValue": value})
        path = f"{SECRETS}/{part(name)}"
        return (await self.call(SecretAnswer, "PATCH", path, body=body)).secret

    async def create_secrets(self, place: Place, values: Mapping[str, str]) -> tuple[Secret, ...]:
        """Store several new secrets, all or none; refused where one is there already."""
        new = [NewSecret(secret_key=name, secret_value=value) for name, value in values.items()]
        body = CreateSecrets.model_validate(place.query() | {"secrets": new})
        return (await self.call(BatchAnswer, "POST", BATCH, body=body)).secrets

    async def set_secrets(self, place: Place, values: Mapping[str, str]) -> tuple[Secret, ...]:
        """Store the next values of several secrets, all or none; what is not there is created."""
        next_ = [
            ChangedSecret(secret_key=name, secret_value=value) for name, value in values.items()
        ]
        asked = place.query() | {"secrets": next_, "mode": "upsert"}
        body = UpdateSecrets.model_validate(asked)
        return (await self.call(BatchAnswer, "PATCH", BATCH, body=body)).secrets

    async def write_secret(self, place: Place, fields: Mapping[str, object]) -> Secret:
        """Store what is told of a secret by its ``secretKey``; one that is not there is created."""
        changed = ChangedSecret.model_validate(fields)
        asked = place.query() | {"secrets": (changed,), "mode": "upsert"}
        body = UpdateSecrets.model_validate(asked)
        return (await self.call(BatchAnswer, "PATCH", BATCH, body=body)).secrets[0]

    async def change_secret(self, place: Place, name: str, fields: Mapping[str, object]) -> Secret:
        """Change what is told of a secret that is there."""
        body = UpdateSecret.model_validate({**place.query(), **fields})
        path = f"{SECRETS}/{part(name)}"
        return (await self.call(SecretAnswer, "PATCH", path, body=body)).secret

    async def delete_secret(self, place: Place, name: str) -> Secret:
        """Delete a secret with all its versions."""
        body = DeleteSecret.model_validate(place.query())
        path = f"{SECRETS}/{part(name)}"
        return (await self.call(SecretAnswer, "DELETE", path, body=body)).secret

    async def list_versions(self, secret_id: str) -> tuple[SecretVersion, ...]:
        """List the latest versions of a secret, without their values."""
        path = f"/api/v1/secret/{part(secret_id)}/secret-versions"
        query = {"viewSecretValue": "false", "limit": "100"}
        return (await self.call(VersionsAnswer, "GET", path, query=query)).secret_versions

    # --- readers ----------------------------------------------------------------------------

    async def acknowledge(self, place: Place, name: str, version: int) -> Acknowledgement:
        """Say that the caller uses a version of a secret, which it was given before.

        ``place`` is the secret's own, as the answer that gave it says, not of what imports it.
        """
        said: dict[str, object] = {"secretName": name, "version": version}
        body = Acknowledge.model_validate(place.query() | said)
        answer = await self.call(AcknowledgementAnswer, "POST", ACKNOWLEDGEMENTS, body=body)
        return answer.acknowledgement

    async def list_holders(self, place: Place, name: str) -> HoldersAnswer:
        """List who holds which version of a secret, those with the oldest first."""
        query = place.query() | {"secretName": name}
        return await self.call(HoldersAnswer, "GET", HOLDERS, query=query)
