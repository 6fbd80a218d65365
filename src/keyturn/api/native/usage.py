"""What hangs on a client secret, as it is written on the wire."""

from keyturn.api.native.registrations import shown_consumer
from keyturn.services.usage import ConnectionUse, FlowUse, RegistrationUse, Usage
from keyturn.wire import usage as wire


def usage_answer(found: Usage) -> wire.UsageAnswer:
    """Render what hangs on a client secret."""
    kept = found.rotation
    return wire.UsageAnswer(
        rotation=wire.UsedRotation(id=kept.id, name=kept.name) if kept else None,
        registrations=tuple(map(_registration, found.registrations)),
        readers=tuple(found.readers),
        destinations=tuple(found.destinations),
        log_readable=found.log_readable,
    )


def _registration(use: RegistrationUse) -> wire.UsedRegistration:
    stored, place = use.view.registration, use.view.place
    return wire.UsedRegistration(
        id=stored.id,
        name=stored.name,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        standing=stored.standing.value,
        version=use.view.version,
        proved_version=stored.proved_version,
        connections=tuple(map(_connection, use.connections)),
        consumers=tuple(map(shown_consumer, use.consumers)),
    )


def _connection(use: ConnectionUse) -> wire.UsedConnection:
    stored, health = use.connection, use.health
    return wire.UsedConnection(
        id=stored.id,
        name=stored.name,
        grant_type=stored.grant_type.value,
        state=stored.state.value,
        light=health.light.value,
        reasons=health.reasons,
        fails_at=health.fails_at,
        aliases=tuple(alias.name for alias in use.aliases),
        flows=tuple(map(_flow, use.flows)),
    )


def _flow(use: FlowUse) -> wire.UsedFlow:
    saved, last = use.saved, use.last
    return wire.UsedFlow(
        id=saved.id,
        name=saved.name,
        enabled=saved.enabled,
        start=use.flow.start.kind.value,
        alias=saved.alias,
        next_at=saved.next_at,
        through=tuple(use.through),
        ran_at=last.created_at if last else None,
        ended=last.phase.value if last else None,
    )
