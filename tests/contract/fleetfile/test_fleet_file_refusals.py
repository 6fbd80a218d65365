"""Fleet files that cannot be: everything wrong is told, with its line, and nothing is changed."""

from dataclasses import replace

import pytest
from fleet_file_kit import ROTATION, apply, changed, plan, stocked
from rig import Rig

from keyturn.domain.access import Grant, Verb
from keyturn.domain.errors import InvalidInput
from keyturn.domain.inventory import ListedApp
from keyturn.domain.okta import CredentialKind
from keyturn.services.identity_changes import create_identity
from keyturn.services.roles import RoleDraft, create_role

EXCEPTION = """
version: 1
policyExceptions: [{selector: app=x, reason: because, expiresAt: 2026-12-31}]
"""


async def test_everything_wrong_is_told_at_once_and_nothing_is_changed(rig: Rig) -> None:
    """Each finding names the field and the line, and quotes no value."""
    text = """
version: 1
colour: red
projects:
  - {slug: Shop}
connections:
  - {name: okta, instanceUrl: "x", method: canary-method, credential: canary-secret}
rotations:
  - {name: web, app: 7}
identities:
  - {}
"""
    with pytest.raises(InvalidInput) as told_of:
        await plan(rig, text)
    message = str(told_of.value)
    for expected in (
        "file: has no colour; known are version",
        "(line 3)",
        "projects[0].slug: must look so",
        "connections[0].method: must be one of api-token, oauth-service-app (line 7)",
        "connections[0].credential: must look so",
        "rotations[0].app: must be a text (line 9)",
        "identities[0].name: Required (line 11)",
    ):
        assert expected in message
    assert "canary" not in message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version: 2", "version: must be 1 (line 1)"),
        ("[]", "file: must be a mapping"),
        ("a: &b 1", "no anchors and aliases"),
        ("version: 1\nversion: 1", "stands here twice"),
        ("version: 1\nidentities: [{name: a}, {name: a}]", "is in the file twice (line 2)"),
        ("version: 1\nidentities: [{name: a, projects: {b: []}}]", "some roles in a project"),
        (
            "version: 1\ncompliancePolicies: [{name: a, selector: 'x=1'}]",
            "compliance policy a.selector: must be terms like",
        ),
        (
            "version: 1\nrotations: [{name: a}]",
            "mapping.clientSecret: Required, here or in defaults (line 2)",
        ),
        (
            (
                "version: 1\nconnections: [{name: a, instanceUrl: 'https://a.okta.com', method: "
                "oauth-service-app}]"
            ),
            "must be given for a service app",
        ),
        (
            (
                "version: 1\nconnections: [{name: a, instanceUrl: 'ftp://a', method: api-token, "
                "credential: stdin}]"
            ),
            "connection a.instanceUrl",
        ),
        (
            (
                "version: 1\nconnections: [{name: a, instanceUrl: 'https://a.okta.com', method: "
                "api-token, credential: kept}]"
            ),
            "connection a.credential: is needed: say env:NAME, file:PATH or stdin (line 2)",
        ),
        (
            "version: 1\nroles: [{slug: a, grants: [{verbs: ['secrets:eat']}]}]",
            "verbs: must be of",
        ),
        ("version: 1\nroles: [{slug: a, grants: []}]", "role a.grants: must be 1 to 50 (line 2)"),
        ("version: 1\nroles: [{slug: viewer, grants: []}]", "role viewer.slug: is that of a role"),
        (
            "version: 1\nroles: [{slug: a, grants: [{verbs: ['secrets:read'], connections: [x]}]}]",
            "role a.connections: x is not there, and not in the file (line 2)",
        ),
        (
            "version: 1\nchannels: [{name: a, kind: slack, kinds: [b]}]",
            "a.kinds: must be of",
        ),
        (
            "version: 1\nchannels: [{name: a, kind: slack, settings: {url: b}}]",
            "channel a.settings.url: is not known for this kind; none are (line 2)",
        ),
        (
            "version: 1\nchannels: [{name: a, kind: slack, timing: {digest: daily}}]",
            "channel a.digestAt: goes together with a daily digest (line 2)",
        ),
        (
            "version: 1\nchannels: [{name: a, kind: slack, credential: {url: kept}}]",
            "channel a.credential.url: is needed: say env:NAME, file:PATH or stdin (line 2)",
        ),
        (
            EXCEPTION.replace("app=x", "x"),
            "of every policy: x.selector: must be terms",
        ),
        (EXCEPTION.replace("12-31", "13-31"), "expiresAt: must be a day, or a moment, that is in"),
        (EXCEPTION.replace("app=x", "app=x, kinds: [odd]"), "kinds: must be of too-old"),
        (EXCEPTION.replace("app=x", "app=x, policy: y"), "policy: y is not there, and not in"),
        (
            "version: 1\nprojects: [{slug: example, name: Other}]",
            "project example.name: is 'Example' and cannot be changed (line 2)",
        ),
    ],
)
async def test_what_cannot_be_is_refused(rig: Rig, text: str, why: str) -> None:
    """Whose fault it is, where, and what to do."""
    with pytest.raises(InvalidInput) as found:
        await plan(rig, text)
    assert why in str(found.value)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("app: 0oa1", "select: 'rotation=x'", "must pick apps by app, auth"),
        ("app: 0oa1", "select: 'label=x'", "must hold {label-slug} or {app}"),
        ("app: 0oa1", "select: 'label=x'", "must hold {NAME} in each name"),
        ("app: 0oa1", "schedule: {}", "must be given, or select instead"),
        ("name: web", 'name: "{app}"', "must be a slug; a template goes with select"),
        ("app: 0oa1", "app: 0oa1\n    schedule: {every: 1x}", "schedule.every: must be 5 min"),
        ("app: 0oa1", "app: 0oa1\n    policy: {overlapSeconds: 1}", "must be at least 300"),
    ],
)
async def test_a_rotation_that_cannot_be_is_refused(rig: Rig, old: str, new: str, why: str) -> None:
    """With its line, before anything is changed."""
    with pytest.raises(InvalidInput) as found:
        await plan(rig, ROTATION.replace(old, new))
    assert why in str(found.value)
    assert "(line 4)" in str(found.value)


DESTINATION = """
version: 1
destinations:
  - {name: a, project: example, environment: dev, kind: file, settings: {path: b}}
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ROTATION.replace(": dev", ": ghost"), "web.environment: example/ghost"),
        (ROTATION.replace("app:", "path: /a/b\n    app:"), "web.path: example/dev/a/b"),
        (DESTINATION.replace("example", "ghost"), "destination ghost/dev/:a.project: ghost"),
        (DESTINATION.replace(": dev", ": ghost"), "a.environment: example/ghost"),
        (DESTINATION.replace("kind", "path: /gone, kind"), "a.path: example/dev/gone"),
        ("identities: [{name: a, role: ghost}]", "identity a.role: ghost"),
        ("identities: [{name: a, role: near}]", "identity a.role: near"),
        ("identities: [{name: a, projects: {ghost: [viewer]}}]", "a/ghost.projects: ghost"),
        (
            "identities: [{name: a, projects: {example: [near, odd]}}]",
            "project roles a/example.roles: odd",
        ),
        ("channels: [{name: a, kind: slack, project: ghost}]", "channel a.project: ghost"),
        (
            "roles: [{slug: a, project: ghost, grants: [{verbs: ['secrets:read']}]}]",
            "role ghost/a.project: ghost",
        ),
    ],
)
async def test_what_a_file_names_is_to_be_there(rig: Rig, text: str, why: str) -> None:
    """Or made by the file: all else would be planned, and never done."""
    grants = (Grant(frozenset({Verb.READ_SECRETS})),)
    await create_role(rig.world, rig.admin, "example", "near", RoleDraft(grants=grants))
    with pytest.raises(InvalidInput) as found:
        await plan(rig, text if "version" in text else f"version: 1\n\n\n{text}")
    assert len(found.value.problems) == 1
    assert f"{why} is not there, and not in the file (line 4)" in str(found.value)


async def test_what_is_there_need_not_be_in_the_file(rig: Rig) -> None:
    """A folder and a role that were made before serve a file that says nothing of them."""
    before = """
version: 1
projects: [{slug: example, environments: [{slug: dev, folders: [/a/b]}]}]
roles: [{slug: turner, grants: [{verbs: ["project:read"]}]}]
"""
    assert (await apply(rig, before)).failed == []
    text = DESTINATION.replace("kind", "path: /a/b, kind") + (
        "identities: [{name: a, role: turner, projects: {example: [turner, viewer]}}]\n"
        "connections: [{name: b, instanceUrl: 'https://b.okta.com', method: api-token, "
        "credential: stdin, project: example}]\n"
    )
    assert len(await changed(rig, text)) == 4


async def test_an_app_that_a_whole_inventory_lacks_is_refused(rig: Rig) -> None:
    """Under either of its ids; while nothing was read, and of a type not listed, nobody knows."""
    assert len(await changed(rig, ROTATION)) == 1
    text = await stocked(rig)
    with pytest.raises(InvalidInput) as found:
        await plan(rig, ROTATION)
    assert "web.app: is not in the inventory of okta: if it is new, run `keyturn" in str(
        found.value
    )
    assert "(line 4)" in str(found.value)
    app = rig.org.read_app(rig.app_id)
    for known in (
        ROTATION.replace("0oa1", app.id),
        ROTATION.replace("0oa1", app.client_id),
        ROTATION.replace("0oa1", f"0oa1\n    type: {CredentialKind.API_SERVICE_SECRET}"),
        text,
    ):
        assert await changed(rig, known)
    async with rig.world.store.writing() as tx:
        [listed] = await tx.list(ListedApp, app_id=app.id)
        await tx.replace(replace(listed, gone_at=rig.world.clock.now()))
    with pytest.raises(InvalidInput, match="is not in the inventory"):
        await plan(rig, ROTATION.replace("0oa1", app.id))


async def test_what_is_wrong_with_a_selection_is_told_once(rig: Rig) -> None:
    """Not once for each of the apps that it picks."""
    text = await stocked(rig, 3)
    with pytest.raises(InvalidInput) as found:
        await plan(rig, text.replace("overlapSeconds: 900", "overlapSeconds: 1"))
    [problem] = found.value.problems
    assert "{label-slug}" in problem.field[0]


async def test_an_app_that_is_kept_is_not_taken_over_again(rig: Rig) -> None:
    """Neither by a file's rotation, nor by one whose connection is nowhere."""
    kept = await rig.rotation()
    text = ROTATION.replace("0oa1", kept.rotation.client_id)
    with pytest.raises(InvalidInput, match=r"is kept by rotation example/dev/:my-okta-rotation"):
        await plan(rig, text)
    with pytest.raises(InvalidInput, match="connection: nowhere is not there, and not in the file"):
        await plan(rig, ROTATION.replace("okta", "nowhere"))
    away = ROTATION.replace("example", "else")
    with pytest.raises(InvalidInput, match="connection: serves project example alone"):
        await plan(rig, away)
    same = text.replace("web", "my-okta-rotation").replace("A,", "OKTA_CLIENT_ID,")
    same = same.replace("B}", "OKTA_CLIENT_SECRET}")
    assert await changed(rig, same) == []
    other = same.replace(kept.rotation.client_id, "0oa1")
    with pytest.raises(InvalidInput, match=r"app: is '0oa\w+' and cannot be changed"):
        await plan(rig, other)


async def test_a_name_of_two_identities_is_refused(rig: Rig) -> None:
    """Nobody can say which of them is meant."""
    for _ in range(2):
        await create_identity(rig.world, rig.admin, "twin")
    with pytest.raises(InvalidInput, match="name of several identities"):
        await plan(rig, "version: 1\nidentities: [{name: twin}]")
