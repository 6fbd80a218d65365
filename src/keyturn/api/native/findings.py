"""What has drifted at Okta: looked at and repaired."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.services import drift
from keyturn.services.drift import FindingView
from keyturn.wire import findings as wire
from keyturn.wire.base import Id, Text

router = APIRouter(prefix="/api/v1/findings", tags=["Drift"], route_class=LenientRoute)


@router.get("")
async def list_findings(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.FindingsAnswer:
    """List what has drifted in a project and is not mended."""
    views = await drift.list_findings(world, caller, project=project_id)
    return wire.FindingsAnswer(findings=tuple(map(_finding, views)))


@router.post("/{finding_id}/repair")
async def repair_finding(world: TheWorld, caller: TheCaller, finding_id: Id) -> wire.FindingsAnswer:
    """Mend a drift as proposed; answer with what is left open in the rotation."""
    left = await drift.repair_finding(world, caller, finding_id)
    return wire.FindingsAnswer(findings=tuple(map(_finding, left)))


def _finding(view: FindingView) -> wire.Finding:
    finding = view.finding
    return wire.Finding(
        id=finding.id,
        rotation_id=finding.rotation_id,
        rotation_name=view.rotation.name,
        kind=finding.kind.name.lower(),
        meaning=finding.kind.value,
        subject=finding.subject,
        detail=finding.detail,
        repair=view.repair,
        found_at=finding.found_at,
    )
