"""All operations of the control port, gathered from one module a subject."""

from keyturn.sandbox.controls import apps, behaviour, looking, people, servers, workflows
from keyturn.sandbox.controls.operation import Operation
from keyturn.sandbox.routing import Router

CONTROL_OPERATIONS: tuple[Operation, ...] = (
    *looking.OPERATIONS,
    *behaviour.OPERATIONS,
    *apps.OPERATIONS,
    *people.OPERATIONS,
    *servers.OPERATIONS,
    *workflows.OPERATIONS,
)
ROUTER: Router[Operation] = Router(CONTROL_OPERATIONS)
