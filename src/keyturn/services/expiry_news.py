"""Tell people of what ends before long: whatever somebody gets in by, and only a person renews.

That is API tokens of Okta that nothing uses, certificates of OAuth clients, and client secrets and
tokens of identities. Of what is renewed by itself its own health tells, where that fails.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.errors import KeyturnError
from keyturn.domain.expiry import AHEAD, Life, warned_since
from keyturn.domain.identity import AccessToken, ClientSecret, Identity
from keyturn.domain.inventory import Inventory
from keyturn.domain.notice import Kind, Notice, NoticeDraft
from keyturn.domain.oauth.provider import Proof
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.selector import Subject
from keyturn.domain.sensitive import Sensitive
from keyturn.services.access_news import draft_of, moment
from keyturn.services.clients import open_client, provider_of
from keyturn.services.notices import anybody_hears, tell
from keyturn.services.ports import Reading, World
from keyturn.services.tokens import seconds

UNUSED_MAX = timedelta(days=30)
"""After so long without a use Okta forgets an API token (help.okta.com, "API token management")."""
CHUNK = 50
"""As many are written down in one transaction."""


@dataclass(frozen=True)
class Warned:
    """What people are to be warned of, and since when they should have been."""

    since: datetime
    draft: NoticeDraft


async def tell_expiring(world: World) -> int:
    """Tell of what ends before long, once for each warning; return how many notices that were.

    Nothing is looked for where nobody hears of anything.
    """
    async with world.store.reading() as tx:
        if not await anybody_hears(tx):
            return 0
        found = [each for look in _LOOKS for each in await look(tx, world)]
        untold = [each for each in found if not await _told(tx, each)]
    chunks = (untold[first : first + CHUNK] for first in range(0, len(untold), CHUNK))
    return sum([await _tell_some(world, chunk) for chunk in chunks])


async def _tell_some(world: World, warned: Iterable[Warned]) -> int:
    count = 0
    async with world.store.writing() as tx:
        for each in warned:
            if not await _told(tx, each):
                count += await tell(tx, world, each.draft) is not None
    return count


async def _told(tx: Reading, warned: Warned) -> bool:
    """Say whether people know of this very end, by a notice since the warning was due."""
    draft = warned.draft
    earlier = await tx.list(
        Notice, subject_id=draft.subject_id, kind=draft.kind, comes_at=draft.comes_at
    )
    return any(each.created_at >= warned.since for each in earlier)


def _warned(world: World, draft: NoticeDraft, *lives: Life) -> Sequence[Warned]:
    """Return what is to be told by now of something that ends once, or in more than one way."""
    pairs = ((each, warned_since(each, world.clock.now())) for each in lives)
    return [Warned(since, replace(draft, comes_at=life.ends_at)) for life, since in pairs if since]


# --- Keyturn's own access -------------------------------------------------------------------------


async def _unused_tokens(tx: Reading, world: World) -> Sequence[Warned]:
    """Find API tokens that nothing has used for so long that Okta will forget them."""
    read = {each.connection_id: each.log_read_at for each in await tx.list(Inventory)}
    found = list[Warned]()
    for each in await tx.list(OktaConnection, method=Method.API_TOKEN):
        uses = (each.reconciled_at, read.get(each.id), each.created_at)
        used_at = max(at for at in uses if at)
        why = (
            f"Keyturn has not used the API token of this connection since {moment(used_at)}, and "
            "Okta forgets one that is not used for 30 days."
        )
        draft = await draft_of(tx, each, Kind.ACCESS_EXPIRES, why)
        draft = replace(draft, subject=f"The API token of {each.name}")
        found += _warned(world, draft, Life(used_at, used_at + UNUSED_MAX))
    return found


# --- certificates of OAuth clients ----------------------------------------------------------------


async def _certificates(tx: Reading, world: World) -> Sequence[Warned]:
    """Find certificates that clients show (RFC 8705) and that end before long."""
    shown = [
        each
        for each in await tx.list(ClientRegistration, scheme=Scheme.OAUTH)
        if Proof.CERTIFICATE in provider_of(each).needs
    ]
    return [found for each in shown for found in await _certificate(tx, world, each)]


async def _certificate(
    tx: Reading, world: World, registration: ClientRegistration
) -> Sequence[Warned]:
    """Look at the certificate that a client shows now; of one that cannot be read, others tell."""
    try:
        held = await open_client(world, tx, registration)
        life = world.servers.read_life(held.client.secret or Sensitive(""))
    except KeyturnError:
        return ()
    place, name = held.place, registration.name
    slug, environment = place.project.slug, place.environment.slug
    draft = NoticeDraft(
        kind=Kind.ACCESS_EXPIRES,
        organization_id=place.project.organization_id,
        project_id=place.project.id,
        subject_id=registration.id,
        subject=f"The certificate of client {name}",
        told=f"Client registration {name} shows it to its authorization server, and no server "
        "takes it any more then: all connections of the client fail.",
        of=Subject(project=slug, environment=environment, path=place.folder.path),
        page=f"/connections/registrations/{registration.id}",
        command=f"keyturn registration update {registration.id} --secret-file FILE",
    )
    return _warned(world, draft, life)


# --- what identities get in by --------------------------------------------------------------------


async def _client_secrets(tx: Reading, world: World) -> Sequence[Warned]:
    """Find client secrets by which identities log in and that end before long."""
    now, found = world.clock.now(), list[Warned]()
    for each in await tx.list_expiring(ClientSecret, now, now + AHEAD):
        owner = await tx.find(Identity, id=each.identity_id)
        if owner and each.expires_at and each.good(now):
            named = f" ({each.description})" if each.description else ""
            subject = f"A client secret of {owner.name}"
            told = f"Identity {owner.name} logs in by {each.prefix}…{named}."
            draft = _of_identity(owner, each.id, subject, told, "secret")
            found += _warned(world, draft, Life(each.created_at, each.expires_at))
    return found


async def _tokens(tx: Reading, world: World) -> Sequence[Warned]:
    """Find tokens that were made by hand and that end, or cannot be renewed any more, soon."""
    now, found = world.clock.now(), list[Warned]()
    for each in await tx.list_expiring(AccessToken, now, now + AHEAD):
        if owner := await tx.find(Identity, id=each.identity_id):
            subject = " ".join(filter(None, ("Token", each.name, "of", owner.name)))
            told = (
                f"It was made by hand for {owner.name}, is good until {moment(each.expires_at)}, "
                f"and can be renewed until {moment(each.renewable_until)}."
            )
            renewed_at = each.expires_at - seconds(each.ttl_s)
            lives = (Life(renewed_at, each.expires_at), Life(each.created_at, each.renewable_until))
            draft = _of_identity(owner, each.id, subject, told, "token")
            found += _warned(world, draft, *lives)
    return found


def _of_identity(
    owner: Identity, subject_id: str, subject: str, told: str, noun: str
) -> NoticeDraft:
    return NoticeDraft(
        kind=Kind.ACCESS_EXPIRES,
        organization_id=owner.organization_id,
        project_id=None,
        subject_id=subject_id,
        subject=subject,
        told=told,
        page=f"/access/identities/{owner.id}",
        command=f"keyturn identity {noun} create {owner.name}",
    )


_LOOKS = (_unused_tokens, _certificates, _client_secrets, _tokens)
