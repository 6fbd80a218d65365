"""What the use cases need of the world.

Each protocol is a specification: what an adapter has to keep, and what it may not promise. The
fakes in `keyturn.testing` and the adapters pass the same contract tests.
"""

from keyturn.services.ports.carriers import Carriers, Errand, Item, NoCarriers
from keyturn.services.ports.figures import Figures, Observed
from keyturn.services.ports.notifier import Letter, NoNotifier, Notifier
from keyturn.services.ports.oauth import AuthorizationServers, Client, Members, NoServers, Proven
from keyturn.services.ports.okta import AppCredentials, Journal, OktaCall, OktaOrg, OktaOrgs, Pool
from keyturn.services.ports.resources import (
    NoAnswer,
    NoResources,
    ResourceAnswer,
    ResourceRequest,
    ResourceServers,
)
from keyturn.services.ports.signer import NoSigner, Signer
from keyturn.services.ports.storage import (
    SERVED,
    Due,
    Looked,
    Old,
    R,
    Reading,
    Record,
    Recorded,
    RunWrite,
    Store,
    TurnStep,
    Writing,
)
from keyturn.services.ports.tracer import About, NoTracer, Span, Tracer
from keyturn.services.ports.vitals import Check, Counted, Pulse, Vitals
from keyturn.services.ports.world import (
    Chance,
    Clock,
    Issuers,
    Limits,
    NoIssuers,
    NoPasswords,
    NoWitness,
    Passwords,
    Setting,
    Vault,
    Witness,
    World,
)

__all__ = [
    "SERVED",
    "About",
    "AppCredentials",
    "AuthorizationServers",
    "Carriers",
    "Chance",
    "Check",
    "Client",
    "Clock",
    "Counted",
    "Due",
    "Errand",
    "Figures",
    "Issuers",
    "Item",
    "Journal",
    "Letter",
    "Limits",
    "Looked",
    "Members",
    "NoAnswer",
    "NoCarriers",
    "NoIssuers",
    "NoNotifier",
    "NoPasswords",
    "NoResources",
    "NoServers",
    "NoSigner",
    "NoTracer",
    "NoWitness",
    "Notifier",
    "Observed",
    "OktaCall",
    "OktaOrg",
    "OktaOrgs",
    "Old",
    "Passwords",
    "Pool",
    "Proven",
    "Pulse",
    "R",
    "Reading",
    "Record",
    "Recorded",
    "ResourceAnswer",
    "ResourceRequest",
    "ResourceServers",
    "RunWrite",
    "Setting",
    "Signer",
    "Span",
    "Store",
    "Tracer",
    "TurnStep",
    "Vault",
    "Vitals",
    "Witness",
    "World",
    "Writing",
]
