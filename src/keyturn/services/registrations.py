"""Client registrations: created, looked at, changed, proved, removed.

Whoever says where a secret is sent could read it there, so that this takes the right to read the
folder's secrets. What a registration authenticates with is never shown.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.ids import ProjectId, RegistrationId, SecretId
from keyturn.domain.oauth import documents
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.connectors import API, CONNECTORS, OF_OKTA, okta_document
from keyturn.domain.oauth.consumers import Consumer
from keyturn.domain.oauth.presets import preset_document
from keyturn.domain.oauth.provider import ClientAuth, Provider
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, repointed
from keyturn.domain.project import Place
from keyturn.domain.references import Source, sources
from keyturn.domain.secret import Secret
from keyturn.services import gate
from keyturn.services.clients import Held, open_client, provider_of, versions_of
from keyturn.services.credentials import Credential, credentialed
from keyturn.services.ladder import climb
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import (
    Where,
    anywhere_in,
    places_of,
    read_place,
    resolve_project,
    target_of,
)
from keyturn.services.proving import prove
from keyturn.services.records import read_left
from keyturn.services.removal import remove_registrations


@dataclass(frozen=True)
class RegistrationDraft:
    """A registration as somebody asks for it.

    ``domain`` is that of an Okta org, ``preset`` a service that is known, with the ``tenant`` where
    it has many, and ``issuer`` one that says of itself how it is spoken to. An issuer comes before
    a preset, and what ``provider`` says before either. ``foreign`` are hosts that an issuer's
    endpoints may be at besides its own.
    """

    name: str
    where: Where
    credential: Credential
    connector: str = API.name
    scheme: Scheme = Scheme.OAUTH
    provider: Mapping[str, object] | None = None
    domain: str = ""
    preset: str = ""
    tenant: str = ""
    issuer: str = ""
    foreign: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True)
class RegistrationChange:
    """What to change; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    provider: Mapping[str, object] | None = None
    credential: Credential | None = None

    @property
    def leads(self) -> bool:
        """Say whether it changes which server is asked, or with what."""
        return self.provider is not None or self.credential is not None


@dataclass(frozen=True)
class RegistrationView:
    """A registration, where it lies, the version of its secret now, and how many use it.

    ``secret_name`` and ``client_id_name`` are the stored secrets that it refers to, if it does.
    """

    registration: ClientRegistration
    place: Place
    version: int
    connections: int
    secret_name: str = ""
    client_id_name: str = ""

    @property
    def provider(self) -> Provider:
        """Return how its server is spoken to."""
        return provider_of(self.registration)


async def create_registration(
    world: World, caller: Caller, draft: RegistrationDraft
) -> RegistrationView:
    """Store a registration, and ask its server at once whether it accepts the secret.

    Raises InvalidInput, AddressRefused, ServerError for an issuer that says nothing, Forbidden,
    NotFound, Taken, and Refused for an unknown folder.
    """
    project_id, name = await resolve_project(world, draft.where.project), _name(draft.name)
    target = Target(project_id, draft.where.environment, names.secret_path(draft.where.path))
    subject = f"client registration {draft.where}:{name}"
    for verb in (Verb.EDIT_GRANTS, Verb.READ_SECRETS):
        await gate.require(world, caller, verb, target, subject=subject)
    provider = await _described(world, draft)
    at = Source(draft.where.environment, target.path, "")
    await _require_readable(world, caller, project_id, at, provider)
    now, new_id = world.clock.now(), RegistrationId(world.chance.uuid())
    async with world.store.writing() as tx:
        place = await read_place(tx, project_id, draft.where)
        await _refuse_taken_name(tx, place, name)
        made = ClientRegistration(
            id=new_id,
            folder_id=place.folder.id,
            name=name,
            connector=_connector(draft.connector),
            scheme=draft.scheme,
            provider=_text_of(provider),
            client_id="",
            created_at=now,
            updated_at=now,
            description=names.description(draft.description),
        )
        made = await credentialed(world, tx, place, made, draft.credential)
        await tx.add(made)
    await prove(world, new_id)
    return await _read(world, new_id)


async def list_registrations(
    world: World, caller: Caller, *, project: str
) -> Sequence[RegistrationView]:
    """List the registrations of a project that the caller may see. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_GRANTS
    subject = f"client registrations of {project}"
    await gate.require(world, caller, verb, anywhere_in(project_id), subject=subject)
    async with world.store.reading() as tx:
        every = await _views(tx, await tx.list(ClientRegistration))
    near = [each for each in every if each.place.project.id == project_id]
    return [each for each in near if gate.may(caller, verb, target_of(each.place))]


async def read_registration(world: World, caller: Caller, registration_id: str) -> RegistrationView:
    """Read one registration. Raises NotFound, Forbidden."""
    return await admit(world, caller, Verb.READ_GRANTS, registration_id)


async def update_registration(
    world: World, caller: Caller, registration_id: str, change: RegistrationChange
) -> RegistrationView:
    """Change a registration; its connections keep their grants and go on with what is new.

    Raises NotFound, Forbidden, Taken, AddressRefused, InvalidInput, and Refused for a secret that
    the server rejects: nothing is changed then. Another server takes the secret to be given again,
    so that nobody has the one that is kept sent elsewhere.
    """
    seen = await admit(world, caller, Verb.EDIT_GRANTS, registration_id, "update")
    after = await _led(world, caller, seen, change)
    async with world.store.writing() as writing:
        stored = await writing.find(ClientRegistration, id=registration_id)
        if stored is None:
            raise NotFound(f"There is no client registration {registration_id}.")
        if stored.updated_at != seen.registration.updated_at:
            raise Refused("Somebody else has changed the registration meanwhile: look at it again.")
        if change.name is not None and _name(change.name) != stored.name:
            await _refuse_taken_name(writing, seen.place, _name(change.name))
        await _require_nothing_sent_elsewhere(writing, stored, after)
        if after.secret_id != stored.secret_id:
            await _forget_proofs(writing, after)
            after = repointed(after)
        after = replace(after, light=stored.light, look_at=world.clock.now())
        await writing.replace(_renamed(world, after, change))
    if change.leads:
        await prove(world, seen.registration.id)
    return await _read(world, seen.registration.id)


async def _led(
    world: World, caller: Caller, seen: RegistrationView, change: RegistrationChange
) -> ClientRegistration:
    """Return a registration with the server and the credential that it is to have, both tried."""
    after, place = seen.registration, seen.place
    if change.leads:
        subject = f"client registration {after.id}"
        await gate.require(world, caller, Verb.READ_SECRETS, target_of(place), subject=subject)
    if change.provider is not None:
        _require_secret_anew(change)
        provider = _parsed(change.provider)
        world.servers.check(provider)
        at = Source(place.environment.slug, place.folder.path, "")
        await _require_readable(world, caller, place.project.id, at, provider)
        after = replace(after, provider=_text_of(provider))
    if change.credential is not None:
        async with world.store.reading() as tx:
            after = await credentialed(world, tx, place, after, change.credential)
            held = await open_client(world, tx, after)
        await _require_accepted(world, after, held)
    return after


async def prove_registration(
    world: World, caller: Caller, registration_id: str
) -> RegistrationView:
    """Ask the server now whether it accepts the secret. Raises NotFound, Forbidden, NotReady."""
    seen = await admit(world, caller, Verb.EDIT_GRANTS, registration_id, "prove")
    await prove(world, seen.registration.id)
    return await _read(world, seen.registration.id)


async def delete_registration(
    world: World, caller: Caller, registration_id: str
) -> RegistrationView:
    """Remove a registration that nothing uses any more.

    Raises NotFound, Forbidden, and Refused while it has connections: each may have somebody's
    consent, which would be lost with it.
    """
    seen = await admit(world, caller, Verb.EDIT_GRANTS, registration_id, "delete")
    async with world.store.writing() as tx:
        left = await tx.list(Connection, registration_id=registration_id)
        if left:
            told = ", ".join(each.name for each in left[:10])
            raise Refused(f"It has connections ({told}): delete them first.")
        await remove_registrations(tx, [seen.registration])
    return seen


async def admit(
    world: World, caller: Caller, verb: Verb, registration_id: str, detail: str = ""
) -> RegistrationView:
    """Find a registration and pass the gate for it; a refusal does not tell whether it is there.

    Raises NotFound, Forbidden.
    """
    async with world.store.reading() as tx:
        found = await tx.find(ClientRegistration, id=registration_id)
        seen = await view(tx, found) if found else None
    if seen and not gate.may(caller, verb, target_of(seen.place)):
        seen = None
    target = target_of(seen.place) if seen else Target(caller.home, somewhere=True)
    subject = f"client registration {registration_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no client registration {registration_id}.")
    return seen


async def view(tx: Reading, registration: ClientRegistration) -> RegistrationView:
    """Return a registration with what is known around it."""
    (seen,) = await _views(tx, [registration])
    return seen


async def _views(
    tx: Reading, registrations: Sequence[ClientRegistration]
) -> Sequence[RegistrationView]:
    """Return registrations with what is known around them, in as many looks as for one."""
    places = await places_of(tx, {each.folder_id for each in registrations})
    versions = await versions_of(tx, registrations)
    ids = frozenset(each.id for each in registrations)
    used = Counter(each.registration_id for each in await tx.list(Connection, registration_id=ids))
    named = await _names_of(tx, registrations)
    return [
        RegistrationView(
            each,
            places[each.folder_id],
            versions[each.id],
            used[each.id],
            named.get(each.secret_id, ""),
            named.get(each.client_id_secret_id, ""),
        )
        for each in registrations
    ]


async def _names_of(
    tx: Reading, registrations: Sequence[ClientRegistration]
) -> Mapping[SecretId | None, str]:
    """Return the names of the stored secrets that registrations refer to, of those left."""
    pairs = ((each.secret_id, each.client_id_secret_id) for each in registrations)
    ids = frozenset(one for pair in pairs for one in pair if one)
    return {each.id: each.name for each in await tx.list(Secret, id=ids)} if ids else {}


async def read_stored(tx: Reading, registration_id: RegistrationId) -> ClientRegistration:
    """Read a registration that was there a moment ago. Raises NotFound where it was removed."""
    found = tx.find(ClientRegistration, id=registration_id)
    return await read_left(found, f"client registration {registration_id}")


async def _read(world: World, registration_id: RegistrationId) -> RegistrationView:
    async with world.store.reading() as tx:
        return await view(tx, await read_stored(tx, registration_id))


# --- how the server is spoken to ------------------------------------------------------------------


async def _described(world: World, draft: RegistrationDraft) -> Provider:
    """Return how the server is spoken to, by all that the draft says of it."""
    base = _known(draft)
    if draft.scheme is not Scheme.OAUTH:
        return Provider()
    if draft.issuer:  # all of its endpoints are its own: none is left of another server
        base = {**base, **await _discovered(world, draft, _parsed(base).auth)}
    told = draft.provider or {}
    endpoints = {**_object(base.get("endpoints")), **_object(told.get("endpoints"))}
    whole = {**base, **told} | ({"endpoints": endpoints} if endpoints else {})
    provider = _parsed(whole)
    if not provider.endpoints.token:
        rule = "must name the token endpoint, or give an issuer that does"
        raise InvalidInput(FieldProblem(("provider", "endpoints", "token"), rule))
    world.servers.check(provider)
    return provider


def _known(draft: RegistrationDraft) -> Mapping[str, object]:
    """Return what is known of a server beforehand. Raises InvalidInput."""
    oauth = draft.scheme is Scheme.OAUTH
    if draft.preset or draft.tenant:
        if draft.connector != API.name or not oauth:
            rule = f"is for the connector {API.name} with OAuth alone"
            raise InvalidInput(FieldProblem(("preset",), rule))
        return preset_document(draft.preset, draft.tenant)
    return okta_document(draft.domain) if oauth and draft.connector in OF_OKTA else {}


async def _discovered(
    world: World, draft: RegistrationDraft, known: ClientAuth
) -> Mapping[str, object]:
    """Return what an issuer says of itself, as a document; ``known`` is a preset's own method."""
    world.servers.check(Provider(issuer=draft.issuer))
    told = await world.servers.read_metadata(draft.issuer, foreign=draft.foreign)
    found = Provider(
        endpoints=told.endpoints,
        issuer=told.issuer,
        iss_promised=told.iss_promised,
        push=told.pushing_required,
    )
    said = "auth" in (draft.provider or {})
    auth = known if said else _auth_among(told.auths, known)
    return {**documents.document_of(found), "auth": auth.value}


def _auth_among(listed: Collection[str], known: ClientAuth) -> ClientAuth:
    """Return how to authenticate with a secret where an issuer lists what it takes.

    What is ``known`` comes first, which is a Basic header without a preset, as where nothing is
    listed (RFC 8414, 2). Raises InvalidInput where the issuer takes neither that nor the body: what
    the client has then, somebody has to say.
    """
    for each in (known, ClientAuth.BASIC, ClientAuth.POST):
        if not listed or each in listed:
            return each
    taken = ", ".join(each for each in ClientAuth if each in listed) or "nothing known here"
    rule = f"must be given: the issuer takes {taken}"
    raise InvalidInput(FieldProblem(("provider", "auth"), rule))


def _parsed(document: Mapping[str, object]) -> Provider:
    """Return what a document describes. Raises InvalidInput, which says that it is of that one."""
    try:
        return documents.parse(document)
    except InvalidInput as error:
        wrong = (replace(each, field=("provider", *each.field)) for each in error.problems)
        raise InvalidInput(*wrong) from None


def _object(told: object) -> Mapping[str, object]:
    return told if isinstance(told, Mapping) else {}


def _text_of(provider: Provider) -> str:
    return json.dumps(documents.document_of(provider))


# --- what is changed -----------------------------------------------------------------------------


def _require_secret_anew(change: RegistrationChange) -> None:
    given = change.credential
    if given is None or not (given.secret or given.secret_name or given.rotation):
        rule = "must be given again with another provider"
        raise InvalidInput(FieldProblem(("clientSecret",), rule))


async def _require_readable(
    world: World, caller: Caller, project_id: ProjectId, at: Source, provider: Provider
) -> None:
    """Pass the gate for every place that a provider's extras refer to: they are sent to it.

    Raises Forbidden.
    """
    named = frozenset[Source]().union(*(sources(each.value, at) for each in provider.extras))
    for environment, path in sorted({(each.environment, each.path) for each in named}):
        target = Target(project_id, environment, path)
        subject = f"secrets {environment}{path} by reference of a client registration"
        await gate.require(world, caller, Verb.READ_SECRETS, target, subject=subject)


async def _require_nothing_sent_elsewhere(
    tx: Reading, stored: ClientRegistration, after: ClientRegistration
) -> None:
    """Raise Refused where what connections hold would go to a host that it did not go to before."""
    if provider_of(after).hosts <= provider_of(stored).hosts:
        return
    held = [
        each.name
        for each in await tx.list(Connection, registration_id=stored.id)
        if each.tokens or each.sealed_input
    ]
    if held:
        raise Refused(
            f"Its connections ({', '.join(held[:10])}) hold tokens or passwords, which would be "
            "sent to another host: make another registration, and `keyturn connection replace`."
        )


async def _forget_proofs(tx: Writing, registration: ClientRegistration) -> None:
    """Have every consumer confirm anew: it used versions of another secret."""
    for each in await tx.list(Consumer, registration_id=registration.id):
        await tx.replace(replace(each, confirmed=0, confirmed_at=None))


async def _require_accepted(world: World, after: ClientRegistration, held: Held) -> None:
    """Raise Refused for a secret that the server says it does not accept."""
    if after.scheme is not Scheme.OAUTH:
        return
    proof = await climb(world, held, mints=False)
    if proof.accepted is False:
        raise Refused(
            "The authorization server rejects this secret, as its answer to the "
            f"{proof.by} tells: nothing was changed, and the one before is used on."
        )


def _renamed(
    world: World, after: ClientRegistration, change: RegistrationChange
) -> ClientRegistration:
    return replace(
        after,
        name=_name(change.name) if change.name is not None else after.name,
        description=names.description(change.description)
        if change.description is not None
        else after.description,
        updated_at=world.clock.now(),
    )


async def _refuse_taken_name(tx: Reading, place: Place, name: str) -> None:
    if await tx.find(ClientRegistration, folder_id=place.folder.id, name=name):
        raise Taken(f"There is a client registration {name} in {place}: choose another name.")


def _connector(name: str) -> str:
    if name not in CONNECTORS:
        raise InvalidInput(FieldProblem(("connector",), f"must be one of {', '.join(CONNECTORS)}"))
    return name


def _name(text: str) -> str:
    return names.slug("name", text)
