"""What all pages of one process share."""

from dataclasses import dataclass, field
from typing import Final

from keyturn.services.compliance_sights import ComplianceSights
from keyturn.services.fleet import FleetSights
from keyturn.services.ports import World
from keyturn.services.ports.sandbox import SandboxControls
from keyturn.web.live import Watchers
from keyturn.web.rendering import Templates, templates
from keyturn.web.sent import SentForms


@dataclass(frozen=True)
class House:
    """The world that pages are of, and how they are found and rendered.

    ``public_url`` is where browsers find the server, empty where nobody has set it; ``sandbox`` is
    there where the server runs beside an org in a box.
    """

    world: World
    version: str
    public_url: str = ""
    sandbox: SandboxControls | None = None
    templates: Templates = field(default_factory=templates)
    watchers: Watchers = field(default_factory=Watchers)
    fleets: FleetSights = field(default_factory=FleetSights)
    compliance: ComplianceSights = field(default_factory=ComplianceSights)
    sent: SentForms = field(default_factory=SentForms)

    @property
    def secure(self) -> bool:
        """Say whether browsers reach it by TLS alone."""
        return self.public_url.startswith("https://")


STATE: Final = "house"
"""Where the application keeps it."""
