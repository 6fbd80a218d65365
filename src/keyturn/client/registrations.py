"""Client registrations and their consumers, as typed calls."""

from keyturn.client.calls import Calls, part
from keyturn.wire.registrations import (
    ConfirmConsumer,
    Consumer,
    ConsumerAnswer,
    ConsumersAnswer,
    CreateConsumer,
    CreateRegistration,
    Registration,
    RegistrationAnswer,
    RegistrationsAnswer,
    UpdateRegistration,
)

REGISTRATIONS = "/api/v1/client-registrations"


class RegistrationCalls(Calls):
    """What the API can be asked about client registrations. Every call raises what `Calls` says."""

    async def list_registrations(self, project: str) -> tuple[Registration, ...]:
        """List the client registrations of a project, and how their secrets stand."""
        query = {"projectId": project}
        answer = await self.call(RegistrationsAnswer, "GET", REGISTRATIONS, query=query)
        return answer.registrations

    async def create_registration(self, body: CreateRegistration) -> Registration:
        """Create a client registration; its server is asked at once whether it accepts it."""
        answer = await self.call(RegistrationAnswer, "POST", REGISTRATIONS, body=body)
        return answer.registration

    async def read_registration(self, registration_id: str) -> Registration:
        """Read one client registration."""
        return (await self.call(RegistrationAnswer, "GET", _at(registration_id))).registration

    async def update_registration(
        self, registration_id: str, body: UpdateRegistration
    ) -> Registration:
        """Change a client registration; its connections keep their grants."""
        path = _at(registration_id)
        return (await self.call(RegistrationAnswer, "PATCH", path, body=body)).registration

    async def prove_registration(self, registration_id: str) -> Registration:
        """Have its server asked now whether it accepts the secret."""
        path = f"{_at(registration_id)}/prove"
        return (await self.call(RegistrationAnswer, "POST", path)).registration

    async def delete_registration(self, registration_id: str) -> Registration:
        """Delete a client registration that has no connections."""
        return (await self.call(RegistrationAnswer, "DELETE", _at(registration_id))).registration

    # --- consumers ----------------------------------------------------------------------------

    async def list_consumers(self, registration_id: str) -> tuple[Consumer, ...]:
        """List who else uses a registration's secret, and which version."""
        path = f"{_at(registration_id)}/consumers"
        return (await self.call(ConsumersAnswer, "GET", path)).consumers

    async def create_consumer(self, registration_id: str, body: CreateConsumer) -> Consumer:
        """Tell of a consumer; it counts as using what is served now."""
        path = f"{_at(registration_id)}/consumers"
        return (await self.call(ConsumerAnswer, "POST", path, body=body)).consumer

    async def confirm_consumer(
        self, registration_id: str, name: str, version: int | None = None
    ) -> Consumer:
        """Note that a consumer uses a version by now, or the one that is served."""
        path = f"{_at(registration_id)}/consumers/{part(name)}/confirm"
        body = ConfirmConsumer(version=version)
        return (await self.call(ConsumerAnswer, "POST", path, body=body)).consumer

    async def delete_consumer(self, registration_id: str, name: str) -> Consumer:
        """Forget a consumer; no turn waits for it any more."""
        path = f"{_at(registration_id)}/consumers/{part(name)}"
        return (await self.call(ConsumerAnswer, "DELETE", path)).consumer


def _at(registration_id: str) -> str:
    return f"{REGISTRATIONS}/{part(registration_id)}"
