"""Read an org as a whole: its list of apps, what is missing in it, and each app's client secrets.

Decides what is asked next; whether a list is believed is `domain.inventory`'s.
"""

from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from keyturn.domain.errors import OktaRefused, OktaThrottled
from keyturn.domain.ids import AppId
from keyturn.domain.inventory import (
    AppPage,
    ListedApp,
    ListedSecret,
    Stage,
    begun,
    complete,
    listed_app,
    well,
    with_page,
)
from keyturn.domain.inventory_doubts import doubt, left_out, list_closed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.rotation import Rotation
from keyturn.services.inventory_keeper import AGAIN, Keeper, ask_each
from keyturn.services.ports import Reading, Writing

NOT_AN_APP = CredentialKind.API_SERVICE_SECRET
"""What keeps an API service integration, which no list of apps shows."""

BATCH = 20
"""As many apps are asked about between two commits."""

GONE_AT_ONCE = 500
"""As many apps are marked as gone by one look at the store."""

CALLS_MAX = 10_000
"""As many pages as a list has at most; more are a loop."""


async def read_page(keeper: Keeper) -> bool:
    """Read a page of the list. A cursor that Okta does not know any more begins it anew."""
    kept = keeper.kept
    try:
        page = await keeper.org.list_page(kept.cursor)
    except OktaThrottled:
        raise
    except OktaRefused as refused:
        if refused.answer.status == 403:
            await keeper.fail(list_closed(refused.message), AGAIN)
            return False
        if refused.answer.status != 400 or not kept.cursor:
            raise
        await keeper.save(begun(kept.connection_id, keeper.now, kept))
        return True
    if kept.calls > CALLS_MAX:
        return await keeper.doubt("Okta's list of apps has no end: its pages lead in a circle.")
    pending = () if page.after else await _list_unlisted(keeper, page)

    async def write(tx: Writing) -> None:
        await _write_page(keeper, tx, page)

    await keeper.save(replace(with_page(kept, page), pending=pending), write)
    return True


async def _write_page(keeper: Keeper, tx: Writing, page: AppPage) -> None:
    now, connection_id = keeper.now, keeper.kept.connection_id
    ids = frozenset(app.app_id for app in page.apps)
    known = {
        each.app_id: each
        for each in await tx.list(ListedApp, connection_id=connection_id, app_id=ids)
    }
    for shown in page.apps:
        await write_shown(tx, listed_app(connection_id, shown, now), known.get(shown.app_id))


async def write_shown(tx: Writing, app: ListedApp, known: ListedApp | None) -> ListedApp:
    """Write an app as it is shown now; when its client secrets were read stays as it was."""
    if known is None:
        await tx.add(app)
        return app
    app = replace(app, groups=known.groups)
    if app.asked_for_secrets:
        app = replace(app, read_at=known.read_at, told=known.told)
    elif known.asked_for_secrets:
        await remove_secrets(tx, app)
    await tx.replace(app)
    return app


async def remove_secrets(tx: Writing, app: ListedApp) -> None:
    """Remove the client secrets of an app that has none any more."""
    where = {"connection_id": app.connection_id, "app_id": app.app_id}
    await tx.remove(*await tx.list(ListedSecret, **where))


async def _list_unlisted(keeper: Keeper, page: AppPage) -> tuple[AppId, ...]:
    """List the apps that rotations keep through this connection, and that nothing has listed."""
    connection_id = keeper.kept.connection_id
    async with keeper.world.store.reading() as tx:
        rotations = await tx.list(Rotation, connection_id=connection_id)
        kept = {each.app_id for each in rotations if each.kind is not NOT_AN_APP}
        kept -= {app.app_id for app in page.apps}
        where = {"connection_id": connection_id, "app_id": frozenset(kept), "gone_at": None}
        kept -= {app.app_id for app in await tx.list(ListedApp, **where)} if kept else set()
    return tuple(sorted(kept))


async def check_some(keeper: Keeper) -> bool:
    """Ask for some apps that the list lacks; once none is left, those are gone.

    A list that lacks one which is there is not believed, and nothing is marked as gone.
    """
    kept = keeper.kept
    async with keeper.world.store.reading() as tx:
        before, after = kept.begun_at, "" if kept.pending else kept.cursor
        missing = await tx.list_listed_apps(
            kept.connection_id, listed_before=before, after=after, limit=BATCH
        )
        why = await _doubt(tx, keeper, missing=bool(missing or kept.cursor))
    if why:
        return await keeper.doubt(why)
    wanted = [AppId(each) for each in kept.pending[:BATCH]] or [app.app_id for app in missing]
    if not wanted:
        await _believe(keeper)
        return True
    answers, wrong = await ask_each(wanted, keeper.find_shown)
    for app_id, found in answers.items():
        if found is not None:
            return await keeper.doubt(left_out(app_id))
    done = [*takewhile(lambda each: each in answers, wanted)]
    if kept.pending:
        await keeper.save(replace(kept, pending=kept.pending[len(done) :]))
    elif done:
        await keeper.save(replace(kept, cursor=done[-1]))
    if wrong:
        raise wrong
    return True


async def _doubt(tx: Reading, keeper: Keeper, *, missing: bool) -> str:
    own = keeper.connection.client_id or ""
    where = {"connection_id": keeper.kept.connection_id, "client_id": own}
    shown = await tx.list(ListedApp, **where) if own else ()
    own_listed = any(app.listed_at >= keeper.kept.begun_at for app in shown)
    return doubt(keeper.kept, own=own, own_listed=own_listed, missing=missing)


async def _believe(keeper: Keeper) -> None:
    """Mark as gone what the list lacks, and go on to the client secrets."""
    kept, now = keeper.kept, keeper.now

    async def write(tx: Writing) -> None:
        while gone := await tx.list_listed_apps(
            kept.connection_id, listed_before=kept.begun_at, limit=GONE_AT_ONCE
        ):
            for app in gone:
                await write_gone(tx, app, now)

    await keeper.save(well(replace(kept, stage=Stage.READING, cursor="")), write)


async def write_gone(tx: Writing, app: ListedApp, now: datetime) -> None:
    """Write that Okta does not know an app any more."""
    await remove_secrets(tx, app)
    await tx.replace(replace(app, gone_at=now))


async def read_some(keeper: Keeper) -> bool:
    """Read the client secrets of some apps; once there are no more, the reading is complete."""
    kept = keeper.kept
    async with keeper.world.store.reading() as tx:
        apps = await tx.list_listed_apps(kept.connection_id, after=kept.cursor, limit=BATCH)
    if not apps:
        await keeper.save(well(complete(kept, keeper.now)))
        return True
    wanted = [app for app in apps if app.asked_for_secrets]
    answers, wrong = await ask_each(wanted, keeper.list_secrets)
    done = [*takewhile(lambda app: app in answers or not app.asked_for_secrets, apps)]
    read = [app for app in done if app in answers]

    async def write(tx: Writing) -> None:
        await keeper.write_secrets(tx, {app: answers[app] for app in read})

    if done:
        refused = sum(isinstance(answers[app], str) for app in read)
        after = replace(
            kept,
            cursor=done[-1].app_id,
            read=kept.read + len(read) - refused,
            refused=kept.refused + refused,
        )
        await keeper.save(well(after), write)
    if wrong:
        raise wrong
    return True
