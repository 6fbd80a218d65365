"""Fleet files as anybody may write them: applied they change nothing more, nor do exports."""

import asyncio
import json
from typing import Any

import pytest
from fleet_file_kit import apply, changed
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from inventory_kit import KEYED, PUBLIC, populate, read_whole
from rig import ORG_URL, PLACE, Rig, rigged

from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.fleet_files import export_fleet
from keyturn.services.secret_changes import create_secret

SLUGS = st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,3})?", fullmatch=True)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)
PATHS = st.from_regex(r"(/[A-Za-z0-9_-]{1,6}){1,3}", fullmatch=True)


def unique(of: st.SearchStrategy[Any], key: str, most: int = 3) -> st.SearchStrategy[Any]:
    """Make a list of things, none of which is called as another."""
    return st.lists(of, max_size=most, unique_by=lambda each: each[key])


def some(needed: dict[str, Any], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make a mapping, of which any of the others may be left out."""
    return st.fixed_dictionaries(needed, optional=others)


ENVIRONMENTS = some({"slug": SLUGS}, name=WORDS, folders=st.lists(PATHS, max_size=3))
PROJECTS = some({"slug": SLUGS, "name": WORDS}, environments=unique(ENVIRONMENTS, "slug"))
SCHEDULES = st.one_of(
    some(
        {},
        every=st.sampled_from(["12h", "45m", "2w", "30d", "6mo", "1y"]),
        at=st.sampled_from(["", "02:30"]),
    ),
    some({"cron": st.sampled_from(["30 2 * * sun", "0 4 1 * *"])}),
    some(
        {"intervalDays": st.integers(1, 400)},
        rotateAt=st.sampled_from(["00:00", "23:59"]),
        automatic=st.booleans(),
        timeZone=st.sampled_from(["UTC", "Europe/Berlin"]),
        windows=st.sampled_from(["", "Mo-Fr 09:00-17:00"]),
        blackouts=st.sampled_from(["", "2026-12-20/2027-01-03"]),
        staggerSeconds=st.integers(0, 600),
        quarantineAfter=st.integers(0, 9),
    ),
)
POLICIES = some(
    {},
    overlap=st.sampled_from(["fixed", "until-next", "evidence"]),
    overlapSeconds=st.integers(300, 9000),
    soakSeconds=st.integers(0, 9000),
    quietSeconds=st.integers(1, 9000),
    readSystemLog=st.booleans(),
    repairDrift=st.booleans(),
)
MAPPING = {"clientId": "{NAME}_ID", "clientSecret": "{NAME}_SECRET"}
TEMPLATES = some(
    {
        "name": st.sampled_from(["{label-slug}", "{app}", "x-{label-slug}"]),
        "project": st.just("example"),
        "environment": st.sampled_from(["dev", "prod"]),
        "connection": st.just("okta"),
        "select": st.sampled_from(["label=app-*", "label=app-0000[0]", "label=*1 label=*0"]),
        "mapping": st.just(MAPPING),
    },
    schedule=SCHEDULES,
    policy=POLICIES,
    description=WORDS,
)
DESTINATIONS = some(
    {
        "name": SLUGS,
        "project": st.just("example"),
        "environment": st.just("dev"),
        "kind": st.just("file"),
        "settings": some({"path": st.just("a.json")}, format=st.just("dotenv")),
    },
    prefix=st.sampled_from(["", "PRE_"]),
    required=st.booleans(),
    secrets=st.lists(st.sampled_from(["A", "B"])),
    mapping=st.sampled_from([{}, {"A": "C"}]),
)
IDENTITIES = some(
    {"name": WORDS},
    role=st.sampled_from(["viewer", "no-access", "member"]),
    projects=st.sampled_from([{}, {"example": ["viewer"]}, {"example": ["viewer", "admin"]}]),
)
COMPLIANCE = some(
    {"name": SLUGS},
    selector=st.sampled_from(["", "label=pay-*", 'label="a b"  owner=x']),
    description=WORDS,
    maxAgeDays=st.integers(0, 3650),
    unusedDays=st.integers(0, 3650),
    managed=st.booleans(),
)
CONNECTIONS = st.just(
    [{"name": "okta", "instanceUrl": f"{ORG_URL}/", "method": "api-token", "credential": "kept"}]
)
CHANNELS = some(
    {
        "name": SLUGS,
        "kind": st.just("webhook"),
        "settings": st.just({"url": " https://hooks.test/a "}),
        "credential": st.just({"secret": "env:KEY"}),
    },
    project=st.just("example"),
    selector=st.sampled_from(["", 'label="a b"  owner=x']),
    kinds=st.lists(st.sampled_from(["turn.blocked", "turn.started", "access.fails"])),
    timing=st.one_of(
        st.just({"digest": "daily", "digestAt": "00:00"}),
        some(
            {},
            digest=st.sampled_from(["immediately", "hourly"]),
            zone=st.sampled_from(["UTC", "Europe/Berlin"]),
        ),
        st.just({"quietFrom": "22:00", "quietTo": "00:00"}),
    ),
    aheadSeconds=st.integers(60, 86_400),
    paused=st.booleans(),
)
GRANTS = some(
    {
        "verbs": st.lists(
            st.sampled_from(["secrets:read", "project:read", "secret-rotation:read"]), min_size=1
        )
    },
    environments=st.lists(st.sampled_from(["dev", "p*"]), max_size=2),
    paths=st.lists(st.sampled_from(["/okta/**", "/a"]), max_size=2),
    connections=st.lists(st.just("okta"), max_size=1),
)
ROLES = some(
    {"slug": SLUGS.map("r-{}".format), "grants": st.lists(GRANTS, min_size=1, max_size=2)},
    project=st.just("example"),
    name=WORDS,
    description=WORDS,
)
EXCEPTIONS = some(
    {
        "selector": st.sampled_from(["label=pay-*", 'label="a b"  owner=x', "app=0oa1"]),
        "reason": st.sampled_from(["because", "one\ntwo", "'\"#: "]).map(str.strip),
        "expiresAt": st.sampled_from(["2025-12-31", "2026-12-31", "2026-05-01T12:00:00.5Z"]),
    },
    kinds=st.lists(st.sampled_from(["too-old", "unused"])),
)
FILES = some(
    {"version": st.just(1)},
    projects=unique(PROJECTS, "slug"),
    connections=CONNECTIONS,
    defaults=some({}, schedule=SCHEDULES, policy=POLICIES),
    rotations=st.lists(TEMPLATES, max_size=1),
    destinations=unique(DESTINATIONS, "name"),
    channels=unique(CHANNELS, "name"),
    roles=unique(ROLES, "slug"),
    identities=unique(IDENTITIES, "name"),
    compliancePolicies=unique(COMPLIANCE, "name"),
    policyExceptions=unique(EXCEPTIONS, "selector"),
)


ODD = (
    AppDraft("app-full", secrets=(None, None)),
    AppDraft("app-public1", **PUBLIC),
    AppDraft("app-inactive0", active=False),
    AppDraft("app-key1", **KEYED),
)
"""Apps that nobody can take over by a client secret, though selectors fit them."""


async def twice(rig: Rig, file: Any) -> None:  # noqa: ANN401  JSON
    """Apply a file, and see that neither it nor an export has anything left to do."""
    for project in file.get("projects", ()):
        for each in project.get("environments", ()):
            each["slug"] = f"{each['slug']}-1"  # each once, whatever a project begins with
    text = json.dumps(file, ensure_ascii=False)
    applied = await apply(rig, text)
    assert (applied.failed, applied.left) == ([], [])
    assert await changed(rig, text) == []
    assert await changed(rig, await export_fleet(rig.world, rig.admin)) == []


async def one_after_the_other(files: list[Any]) -> None:
    """Apply files, each of which leaves nothing to do, nor does an export after it."""
    async with rigged() as rig:
        populate(rig.org, 3)
        for odd in ODD:
            rig.org.create_app(odd)
        await read_whole(rig)
        await create_secret(rig.world, rig.admin, PLACE, "APP_00001_ID", Sensitive("by hand"))
        for file in files:
            for each in file.get("projects", ()):
                each["name"] = each["slug"]
            await twice(rig, file)


@pytest.mark.parametrize("most", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_what_was_applied_changes_nothing_more(most: int) -> None:
    """Whatever files there are, one after the other."""

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(FILES, min_size=1, max_size=2))
    def tried(files: list[Any]) -> None:
        asyncio.run(one_after_the_other(files))

    tried()
