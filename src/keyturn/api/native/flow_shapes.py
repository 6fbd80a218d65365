"""How flows and their runs look on the wire."""

from keyturn.domain.flows.findings import Finding
from keyturn.domain.flows.run import FlowVersion
from keyturn.domain.flows.spec import CardSpec
from keyturn.domain.flows.walk import Response
from keyturn.services.flows import FlowView
from keyturn.services.invoking import INVOKE, reached_at
from keyturn.services.run_history import RunView
from keyturn.wire import flows as wire


def one(view: FlowView, server: str, *, whole: bool = False) -> wire.FlowAnswer:
    """Render a flow, with its file where it is wanted ``whole``."""
    return wire.FlowAnswer(flow=flow(view, server, whole=whole))


def flow(view: FlowView, server: str, *, whole: bool = False) -> wire.Flow:
    """Render a flow, as it is reached at a server."""
    saved, place = view.saved, view.place
    read = None if view.problem else view.flow
    start = read.start if read else None
    reached = reached_at(start) if start else ""
    return wire.Flow(
        id=saved.id,
        name=saved.name,
        description=read.description if read else saved.description,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        enabled=saved.enabled,
        start=start.kind.value if start else None,
        security=start.security.value if reached == INVOKE and start else None,
        invoke_url=server + reached.format(alias=saved.alias) if reached else None,
        has_token=bool(saved.token_hash),
        cards=sum(1 for _ in read.every_card) if read else 0,
        connections=tuple(sorted(read.connections)) if read else (),
        problem=view.problem,
        newest=saved.number,
        version=view.version.number,
        next_at=saved.next_at,
        created_at=saved.created_at,
        updated_at=saved.updated_at,
        source=view.version.source if whole else None,
    )


def version(stored: FlowVersion) -> wire.FlowVersion:
    """Render a version."""
    return wire.FlowVersion(
        version=stored.number,
        author=stored.author,
        created_at=stored.created_at,
        source=stored.source,
    )


def finding(found: Finding) -> wire.FlowFinding:
    """Render what was found in a flow's file."""
    return wire.FlowFinding(
        line=found.line, where=found.where, severity=found.severity.value, rule=found.rule
    )


def run(view: RunView) -> wire.Run:
    """Render a run."""
    stored = view.run
    return wire.Run(
        id=stored.id,
        flow_id=stored.flow_id,
        flow_name=view.view.saved.name,
        version=stored.number,
        cause=stored.cause.value,
        by=stored.by,
        phase=stored.phase.value,
        created_at=stored.created_at,
        ended_at=stored.ended_at,
        wake_at=stored.wake_at,
        steps=stored.steps,
        status=stored.status,
        failure=stored.failure,
        told=stored.told,
    )


def result(response: Response | None) -> wire.Result | None:
    """Render what a run answered."""
    if response is None:
        return None
    return wire.Result.model_validate(
        {
            "status": response.status,
            "headers": dict(response.headers),
            "body": response.body.value,
            "raw": response.raw,
        }
    )


def card(spec: CardSpec) -> wire.FlowCard:
    """Render a card as it is declared."""
    return wire.FlowCard(
        name=spec.name,
        doc=spec.doc,
        effect=spec.effect.value,
        inputs=tuple(
            wire.CardInput(
                name=each.name,
                kind=each.kind.value,
                doc=each.doc,
                required=each.required and each.default is None,
                options=each.options,
            )
            for each in spec.inputs
        ),
        outputs=tuple(
            wire.CardOutput(name=each.name, kind=each.kind.value, doc=each.doc)
            for each in spec.outputs
        ),
        lanes=tuple(lane.name for lane in spec.lanes),
        connectors=spec.connectors,
        scopes=spec.scopes,
    )
