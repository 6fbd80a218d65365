"""What the use cases need of the world.

Each protocol is a specification: what an adapter has to keep, and what it may not promise. The
fakes in `keyturn.testing` and the adapters pass the same contract tests.
"""

from keyturn.services.ports.carriers import Carriers, Errand, Item, NoCarriers
from keyturn.services.ports.notifier import NoNotifier, Notifier
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
    R,
    Reading,
    Record,
    Recorded,
    RunWrite,
    Store,
    TurnStep,
    Writing,
)
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
    "AppCredentials",
    "AuthorizationServers",
    "Carriers",
    "Chance",
    "Client",
    "Clock",
    "Due",
    "Errand",
    "Issuers",
    "Item",
    "Journal",
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
    "NoWitness",
    "Notifier",
    "OktaCall",
    "OktaOrg",
    "OktaOrgs",
    "Passwords",
    "Pool",
    "Proven",
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
    "Store",
    "TurnStep",
    "Vault",
    "Witness",
    "World",
    "Writing",
]
