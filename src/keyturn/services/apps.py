"""The apps of an Okta org, for who chooses one: which can be turned, and what is in the way.

Asks Okta for what it shows of each app, as long as its rate limit has room for that, and tells from
what is on record here which of the client secrets are known. Shows no value.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.budget import Purpose
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import OktaError
from keyturn.domain.ids import AppId, ConnectionId, CredentialId, SecretHash
from keyturn.domain.inventory import ListedApp
from keyturn.domain.okta import RULES, App, Credential, CredentialKind, FoundApps, Status
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Version
from keyturn.services import gate
from keyturn.services.connections import admit_use, open_org
from keyturn.services.ports import OktaOrg, Reading, World
from keyturn.services.projects import places_of, target_of

APP_ID = re.compile("0oa[0-9A-Za-z]{17}")
"""How Okta's ids of apps look."""

SHOWN_MAX = 50
"""As many apps are shown at most: each costs a call, which Okta puts on its own record."""

SEARCHED = 100
"""Among so many that Okta lists, those that no rotation keeps are found and shown first."""

WITHIN = 3
"""So many characters are looked for inside of labels; fewer would be in almost every one."""

AT_ONCE = 4
"""As many of those calls are under way together."""

KIND = CredentialKind.CLIENT_SECRET
OFFERED = (KIND, CredentialKind.CLIENT_KEY)
"""The types of rotation that an app of the list may have."""


@dataclass(frozen=True)
class AppSecret:
    """A client secret as Okta lists it; ``known`` is whether a rotation has made or adopted it."""

    id: CredentialId
    status: Status
    created_at: datetime
    known: bool


@dataclass(frozen=True)
class AppRotation:
    """The rotation that keeps an app; nothing of it is told to who may not see it."""

    id: str = ""
    name: str = ""
    place: str = ""


@dataclass(frozen=True)
class AppView:
    """An app, its client secrets, the rotation that keeps it, and the types that would fit it.

    ``secrets`` is None where it has none by nature, and where they were not read (``unread``).
    """

    app: App
    secrets: Sequence[AppSecret] | None = None
    rotation: AppRotation | None = None
    kinds: Sequence[CredentialKind] = ()

    @property
    def unread(self) -> bool:
        """Say whether Okta was not asked for its secrets, or did not tell."""
        return self.secrets is None and self.app.auth_method in KIND.rules.methods

    @property
    def foreign(self) -> int:
        """Count its client secrets that no rotation knows."""
        return sum(not each.known for each in self.secrets or ())

    @property
    def crowded(self) -> bool:
        """Say whether a foreign client secret takes the room that a turn needs."""
        return self.foreign > 0 and len(self.secrets or ()) >= KIND.rules.most


@dataclass(frozen=True)
class AppList:
    """Apps that fit what was asked; ``more`` says that there may be others."""

    apps: Sequence[AppView]
    more: bool


@dataclass(frozen=True)
class _Records:
    """What is on record here of some apps and their secrets."""

    hashes: Collection[SecretHash] = ()
    rotations: Mapping[AppId, AppRotation] = field(default_factory=dict)
    own: Collection[str] = ()
    """The client ids by which Keyturn itself logs in."""


async def list_apps(
    world: World, caller: Caller, connection_id: str, *, label: str = "", limit: int = 20
) -> AppList:
    """List OAuth apps of a connection's org whose label begins so, or the one with this id.

    Of an org with an inventory, those whose label has it inside as well. What no rotation keeps
    comes first. Raises NotFound, Forbidden, and OktaError where Okta does not list them.
    """
    connection = await admit_use(world, caller, connection_id, "apps")
    async with world.store.reading() as tx:
        org = await open_org(tx, world, connection.id, lambda call: None)
        slowly = await open_org(tx, world, connection.id, lambda call: None, Purpose.BACKGROUND)
    most = max(1, min(limit, SHOWN_MAX))
    text = label.strip()
    found = await _search(org, text)
    async with world.store.reading() as tx:
        within = await _list_within(tx, connection.id, text, found, most)
    found = replace(found, apps=(*found.apps, *await _find_each(org, within)))
    async with world.store.reading() as tx:
        kept = await _list_rotations(tx, caller, found.apps)
    apps = sorted(found.apps, key=lambda app: app.id in kept)[:most]
    listed = await _list_secrets(slowly, apps)
    async with world.store.reading() as tx:
        records = await _look_up(tx, apps, listed, kept)
    views = [_view(app, listed.get(app.id), records) for app in apps]
    return AppList(views, found.more or len(found.apps) > most)


async def _search(org: OktaOrg, text: str) -> FoundApps:
    found = await org.list_apps(text, most=SEARCHED)
    if found.apps or not APP_ID.fullmatch(text):
        return found
    app = await org.find_app(text)
    return FoundApps((app,) if app else (), more=False)


async def _list_within(
    tx: Reading, connection_id: ConnectionId, text: str, found: FoundApps, most: int
) -> Sequence[AppId]:
    """List inventoried apps that Okta's search passes over: it knows how labels begin alone."""
    if len(text) < WITHIN:
        return ()
    known = {app.id for app in found.apps}
    apps = await tx.list(ListedApp, connection_id=connection_id, gone_at=None)
    fitting = [each.app_id for each in apps if text.lower() in each.label.lower()]
    return [each for each in fitting if each not in known][: max(0, most - len(known))]


async def _find_each(org: OktaOrg, app_ids: Sequence[AppId]) -> Sequence[App]:
    """Read apps, those left out that are not there any more, or that Okta does not tell of."""
    room = asyncio.Semaphore(AT_ONCE)

    async def read(app_id: AppId) -> App | None:
        async with room:
            try:
                return await org.find_app(app_id)
            except OktaError:
                return None

    return [app for app in await asyncio.gather(*map(read, app_ids)) if app]


async def _list_secrets(org: OktaOrg, apps: Sequence[App]) -> Mapping[AppId, Sequence[Credential]]:
    """List the client secrets of the apps that have any; what Okta does not tell is left out."""
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(app: App) -> Sequence[Credential] | None:
        async with room:
            try:
                return await org.credentials_of(app.id, KIND).list()
            except OktaError:
                return None

    able = [app for app in apps if app.auth_method in KIND.rules.methods]
    answers = zip(able, await asyncio.gather(*map(ask, able)), strict=True)
    return {app.id: answer for app, answer in answers if answer is not None}


async def _look_up(
    tx: Reading,
    apps: Sequence[App],
    listed: Mapping[AppId, Sequence[Credential]],
    kept: Mapping[AppId, AppRotation],
) -> _Records:
    hashes = frozenset(each.hash for secrets in listed.values() for each in secrets)
    known = await tx.list(Version, hash=hashes) if hashes else ()
    clients = frozenset(app.client_id for app in apps)
    own = await tx.list(OktaConnection, client_id=clients) if clients else ()
    return _Records(
        frozenset(version.hash for version in known if version.hash),
        kept,
        frozenset(each.client_id for each in own if each.client_id),
    )


async def _list_rotations(
    tx: Reading, caller: Caller, apps: Sequence[App]
) -> Mapping[AppId, AppRotation]:
    rotations = await tx.list(Rotation, app_id=frozenset(app.id for app in apps)) if apps else ()
    places = await places_of(tx, {each.folder_id for each in rotations})
    told = {}
    for each in rotations:
        place = places[each.folder_id]
        target = target_of(place, each.connection_id)
        seen = gate.may(caller, Verb.READ_ROTATIONS, target)
        told[each.app_id] = AppRotation(each.id, each.name, str(place)) if seen else AppRotation()
    return told


def _view(app: App, listed: Sequence[Credential] | None, records: _Records) -> AppView:
    secrets = [
        AppSecret(each.id, each.status, each.created_at, each.hash in records.hashes)
        for each in listed or ()
    ]
    return AppView(
        app,
        secrets if listed is not None else None,
        records.rotations.get(app.id),
        _kinds(app, own=app.client_id in records.own),
    )


def _kinds(app: App, *, own: bool) -> Sequence[CredentialKind]:
    if app.status is not Status.ACTIVE:
        return ()
    offered = (CredentialKind.CONNECTION_KEY,) if own else OFFERED
    return [kind for kind in offered if app.auth_method in RULES[kind].methods]
