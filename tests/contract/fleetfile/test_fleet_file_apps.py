"""Apps and names that a fleet file cannot have, all of it on record: told by the plan already."""

from dataclasses import replace

import pytest
from fleet_file_kit import ROTATION, SELECTED, apply, changed, plan
from inventory_kit import KEYED, PUBLIC, by_service_app, populate, read_whole
from rig import ORG_URL, PLACE, Rig

from keyturn.domain.access import VIEWER, Holding
from keyturn.domain.errors import InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.fleet_files import FleetOrder, plan_fleet
from keyturn.services.secret_changes import create_secret

SECOND = """
  - {name: other, project: example, environment: dev, connection: okta, app: 0oa2,
     mapping: {clientId: C, clientSecret: D}}
"""
KEYS = "    type: okta-client-key\n    mapping"


async def refused(rig: Rig, text: str) -> str:
    """Return the one thing that is wrong with a file."""
    with pytest.raises(InvalidInput) as found:
        await plan(rig, text)
    [_] = found.value.problems
    return str(found.value)


async def by_hand(rig: Rig, name: str) -> None:
    """Store a secret that no rotation keeps."""
    await create_secret(rig.world, rig.admin, PLACE, name, Sensitive("canary"))


async def test_names_that_are_there_are_not_mapped_to(rig: Rig) -> None:
    """Whether somebody made the secret or another rotation keeps it; told only who may know."""
    await by_hand(rig, "B")
    told = await refused(rig, ROTATION)
    assert "rotation example/dev/:web.mapping: B is there in example/dev/ already" in told
    assert "(line 4)" in told
    viewer = replace(rig.admin, holdings=(Holding(VIEWER),))
    assert (await plan_fleet(rig.world, viewer, FleetOrder(ROTATION))).changes
    await rig.rotation()
    text = ROTATION.replace("B}", "OKTA_CLIENT_ID}")
    assert "web.mapping: OKTA_CLIENT_ID is there" in await refused(rig, text)
    kept = text.replace("web", "my-okta-rotation").replace("0oa1", rig.app_id)
    assert await changed(rig, kept) == ["update rotation example/dev/:my-okta-rotation"]
    kept = kept.replace("OKTA_CLIENT_ID}", "B}")
    assert "my-okta-rotation.mapping: B is there" in await refused(rig, kept)


async def test_a_name_is_of_one_rotation_of_a_file(rig: Rig) -> None:
    """Nor are the two of one alike; what one gives up is free for what comes after it."""
    text = ROTATION + SECOND.replace("C,", "A,")
    assert "example/dev/:other.mapping: A is there in example/dev/ already" in await refused(
        rig, text
    )
    told = await refused(rig, ROTATION.replace("B}", "A}"))
    assert "mapping.clientSecret: must differ from the name for the client id (line 4)" in told
    same = SELECTED.replace("_SECRET", "_ID")
    assert "mapping.clientSecret: must differ" in await refused(rig, same)
    kept = await rig.rotation()
    moved = ROTATION.replace("web", kept.rotation.name).replace("0oa1", rig.app_id)
    freed = SECOND.replace("C,", "OKTA_CLIENT_ID,").replace("D}", "OKTA_CLIENT_SECRET}")
    freed = freed.replace("0oa2", populate(rig.org, 1)[0])
    assert len(await changed(rig, moved + freed)) == 2
    assert (await apply(rig, moved + freed)).failed == []
    assert await changed(rig, moved + freed) == []


async def test_an_app_is_taken_over_once(rig: Rig) -> None:
    """By whichever of its ids the file names it."""
    await read_whole(rig)
    app = rig.org.read_app(rig.app_id)
    text = ROTATION.replace("0oa1", app.id) + SECOND.replace("0oa2", app.client_id)
    told = await refused(rig, text)
    assert (
        "other.app: is taken over by rotation example/dev/:web (line 4) already (line 11)" in told
    )


async def test_what_keyturn_logs_in_as_is_not_taken_over(rig: Rig) -> None:
    """Under either of its ids, also of a connection that the file makes; nor by another name."""
    client = str(rig.org.credentials()["service_client_id"])
    text = ROTATION.replace("0oa1", client)
    made = (
        "connections: [{name: b, instanceUrl: 'https://b.okta.com', method: oauth-service-app, "
        f"clientId: {client}, credential: stdin}}]\n"
    )
    assert "`keyturn connection okta turn-key b`" in await refused(rig, text + made)
    await by_service_app(rig)
    told = await refused(rig, text)
    assert "web.app: Connection service logs in as this app." in told
    await read_whole(rig)
    its_id = rig.org.find_client(client)
    assert its_id is not None
    told = await refused(rig, ROTATION.replace("0oa1", its_id.id))
    assert "web.app: Connection service logs in as this app." in told


@pytest.mark.parametrize(
    ("draft", "rotation", "why"),
    [
        (AppDraft("one", **PUBLIC), ROTATION, "authenticates by none, not with a client secret"),
        (AppDraft("one", **KEYED), ROTATION, "by private_key_jwt, not with a client secret"),
        (AppDraft("one"), ROTATION.replace("    mapping", KEYS), "basic, not with a client key"),
        (AppDraft("one", active=False), ROTATION, "is INACTIVE at Okta"),
        (AppDraft("one", secrets=(None, None)), ROTATION, "limit leaves no room to turn"),
    ],
)
async def test_an_app_that_cannot_be_taken_over_is_refused(
    rig: Rig, draft: AppDraft, rotation: str, why: str
) -> None:
    """By the rules by which rotations are made, with its line, and with what to do."""
    app = rig.org.create_app(draft)
    await read_whole(rig)
    told = await refused(rig, rotation.replace("0oa1", app.id))
    assert why in told
    assert "If that has changed, run `keyturn inventory read` first (line 4)" in told


async def test_a_new_connection_leads_to_the_same_apps(rig: Rig) -> None:
    """Of an org that is known its inventory tells, by whichever connection it was read."""
    app = rig.org.create_app(AppDraft("one", **PUBLIC))
    await read_whole(rig)
    made = (
        f"connections: [{{name: b, instanceUrl: '{ORG_URL}/', method: api-token, "
        "credential: stdin}]\n"
    )
    text = ROTATION.replace("0oa1", app.id).replace("connection: okta", "connection: b")
    assert "authenticates by none" in await refused(rig, text + made)


async def test_a_selection_leaves_out_what_has_no_room(rig: Rig) -> None:
    """It is told by name with what to do, and hinders no other, however often it is applied."""
    populate(rig.org, 2)
    full = [rig.org.create_app(AppDraft(f"app-full-{n}", secrets=(None, None))) for n in range(12)]
    await read_whole(rig)
    planned = await plan(rig, SELECTED)
    assert len(planned.changes) == 2
    [note] = planned.notes
    assert note.startswith("Left out of label=app-* (line 4) because Okta's limit leaves no room")
    assert f"app-full-0 ({full[0].id}), app-full-1" in note
    assert "and 2 more. Remove the one that is not in use" in note
    assert "--retire-existing" in note
    assert (await apply(rig, SELECTED)).failed == []
    after = await plan(rig, SELECTED)
    assert (after.changes, after.notes) == ((), [note])


async def test_an_app_of_two_secrets_stays_kept(rig: Rig) -> None:
    """While both secrets of a turn are there its app is in no selection's way."""
    [app] = populate(rig.org, 1)
    await read_whole(rig)
    await apply(rig, SELECTED)
    rig.org.create_secret(app)
    await read_whole(rig)
    planned = await plan(rig, SELECTED)
    assert (planned.changes, planned.notes) == ((), [])


async def test_a_selection_leaves_out_what_has_no_names(rig: Rig) -> None:
    """Where somebody keeps a secret of the name that an app's rotation would have."""
    populate(rig.org, 3)
    await read_whole(rig)
    await by_hand(rig, "APP_00001_SECRET")
    planned = await plan(rig, SELECTED)
    assert len(planned.changes) == 2
    [note] = planned.notes
    assert "there are secrets of these names already: example/dev/:app-00001 (APP_00001_" in note
    assert (await apply(rig, SELECTED)).failed == []
    assert await changed(rig, SELECTED) == []


async def test_a_selection_of_keys_picks_apps_that_use_keys(rig: Rig) -> None:
    """Its type says what is turned; of API services no inventory tells."""
    populate(rig.org, 1)
    rig.org.create_app(AppDraft("app-key", **KEYED))
    await read_whole(rig)
    keys = SELECTED.replace("    mapping", KEYS)
    planned = await plan(rig, keys)
    assert [each.item.name for each in planned.changes] == ["example/dev/:app-key"]
    assert "1 app without a client key to turn" in planned.notes[0]
    assert (await apply(rig, keys)).failed == []
    assert await changed(rig, keys) == []
    assert await changed(rig, SELECTED) == ["adopt rotation example/dev/:app-00000"]
    services = SELECTED.replace("    mapping", KEYS.replace("client-key", "api-service-secret"))
    assert "{label-slug}.type: has no select" in await refused(rig, services)


async def test_a_rotation_that_ends_is_in_the_way(rig: Rig) -> None:
    """Its name, its app and its secrets are its own until it is gone."""
    kept = await rig.rotation()
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(kept.rotation, ending=True))
    named = ROTATION.replace("web", kept.rotation.name)
    assert "name: is that of a rotation that is ending" in await refused(rig, named)
    text = ROTATION.replace("0oa1", rig.app_id)
    assert "web.app: is kept by rotation example/dev" in await refused(rig, text)
    mapped = ROTATION.replace("B}", "OKTA_CLIENT_SECRET}")
    assert "mapping: OKTA_CLIENT_SECRET is there" in await refused(rig, mapped)
    app = rig.org.create_app(AppDraft("my Okta rotation"))
    await read_whole(rig)
    other = f"adopt rotation example/dev/:my-okta-rotation-{app.id.lower()}"
    assert await changed(rig, SELECTED.replace("label=app-*", f"app={app.id}")) == [other]


async def test_a_selection_that_picks_nothing_says_so(rig: Rig) -> None:
    """A slip of the pen is not the same as a fleet that is all in order."""
    populate(rig.org, 1)
    await read_whole(rig)
    planned = await plan(rig, SELECTED.replace("app-*", "apq-*"))
    assert planned.changes == ()
    assert planned.notes == ["label=apq-* (line 4) picks no app that is known now."]
    await apply(rig, SELECTED)
    assert (await plan(rig, SELECTED)).notes == []
