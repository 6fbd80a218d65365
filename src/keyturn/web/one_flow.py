"""The flow that a page is about: how it stands, who may do what, where it is reached."""

from dataclasses import dataclass
from typing import Final

from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.spec import Security, StartKind
from keyturn.services.flows import FlowView, read_flow_by_id
from keyturn.services.invoking import INVOKE, reached_at
from keyturn.services.projects import Where
from keyturn.web.flow_told import TRIGGERS, trigger_note
from keyturn.web.subject import Subject
from keyturn.web.visiting import Visit

LIST: Final = "/flows"
ONE: Final = f"{LIST}/{{flow_id}}"


@dataclass(frozen=True)
class OneFlow(Subject):
    """A flow, and whoever looks at it."""

    view: FlowView

    @property
    def flow(self) -> Flow | None:
        """Return what it does, where it can be read."""
        return None if self.view.problem else self.view.flow

    @property
    def where(self) -> Where:
        """Return where it lies, as services name it."""
        return Where(self.place.project.id, self.place.environment.slug, self.place.folder.path)

    @property
    def on(self) -> bool:
        """Say whether it is switched on."""
        return self.view.saved.enabled

    @property
    def standing(self) -> tuple[str, str]:
        """Return how it stands, as a word and its tone."""
        if self.view.problem:
            return "Cannot be read", "bad"
        return ("On", "good") if self.on else ("Off", "idle")

    @property
    def trigger(self) -> str:
        """Say what starts it."""
        return TRIGGERS[self.flow.start.kind].text if self.flow else "Nobody knows"

    @property
    def note(self) -> str:
        """Say more of what starts it."""
        return trigger_note(self.flow.start) if self.flow else ""

    @property
    def url(self) -> str:
        """Return the address that starts it; empty where none does."""
        path = reached_at(self.flow.start) if self.flow else ""
        return path and server_of(self.visit) + path.format(alias=self.view.saved.alias)

    @property
    def invoked(self) -> bool:
        """Say whether that address is an endpoint, and not one for event hooks."""
        return self.flow is not None and reached_at(self.flow.start) == INVOKE

    @property
    def takes_token(self) -> bool:
        """Say whether a client token opens it."""
        if not self.url or self.flow is None:
            return False
        return not self.invoked or self.flow.start.security is Security.CLIENT_TOKEN

    @property
    def helper(self) -> bool:
        """Say whether other flows run it, and nothing else does."""
        return self.flow is not None and self.flow.start.kind is StartKind.HELPER


def one_of(visit: Visit, view: FlowView) -> OneFlow:
    """Return a flow as what a page is about."""
    return OneFlow(visit, view.saved.id, view.saved.name, view.place, LIST, view)


async def find_flow(visit: Visit, number: int | None = None) -> OneFlow:
    """Return the flow that the path names, in its newest version or in another.

    Raises NotFound, Forbidden.
    """
    flow_id = visit.given("flow_id")
    return one_of(visit, await read_flow_by_id(visit.world, visit.caller, flow_id, number=number))


def server_of(visit: Visit) -> str:
    """Return where the server is reached: where browsers find it, else where it was asked."""
    return visit.house.public_url.rstrip("/") or str(visit.request.base_url).rstrip("/")
