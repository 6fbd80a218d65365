"""Logging in with Okta at the org: an app that tells of groups, kept by a rotation of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from keyturn.cli.showcase.cast import LOG_IN, OFFICE
from keyturn.cli.showcase.grants import administrator, register
from keyturn.cli.showcase.stage import Stage
from keyturn.domain.access import ADMIN
from keyturn.domain.oauth.connectors import OKTA
from keyturn.sandbox import Org
from keyturn.sandbox.state.claims import GroupsClaim
from keyturn.services.credentials import Credential
from keyturn.settings import Settings

GROUP: Final = "Keyturn administrators"


async def let_people_in(stage: Stage) -> None:
    """Register the app by its rotation, and put the org's administrator into the group."""
    org = stage.org
    org.store_app(replace(org.read_app(stage.app_ids[LOG_IN]), groups_claim=GroupsClaim()))
    org.groups.add(org.groups.create({"name": GROUP}).id, administrator(org))
    await register(stage, OFFICE, LOG_IN, Credential(rotation=LOG_IN), OKTA.name)


def offering(settings: Settings, org: Org, org_url: str) -> Settings:
    """Return settings by which people log in at the org, where it has the group for it."""
    if GROUP not in [each.name for each in org.groups.list()]:
        return settings
    told: Mapping[str, str] = {
        "login_registration": f"{OFFICE.project}/{OFFICE.environment}{OFFICE.path}:{LOG_IN}",
        "login_issuer": org_url,
        "login_groups": f"{GROUP}={ADMIN.slug}",
    }
    return settings.model_copy(update=told)
