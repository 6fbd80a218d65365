"""The steps of the wizard that name things: the secrets that readers ask for, and the rotation."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from keyturn.domain import names
from keyturn.domain.errors import CallerError
from keyturn.domain.rotation import SecretsMapping
from keyturn.services.onboarding import TakenNames, find_taken_names
from keyturn.services.rotations import checked_mapping
from keyturn.web.pages.wizard_problems import Problems
from keyturn.web.pages.wizard_state import Shown, Step, Wizard
from keyturn.wire.base import TEXT_MAX

CLIENT_ID: Final = "OKTA_CLIENT_ID"
CLIENT_SECRET: Final = "OKTA_CLIENT_SECRET"
PRIVATE_KEY: Final = "OKTA_PRIVATE_JWK"
TRIED: Final = 5
"""How many names are tried for one that is free."""

Judge = Callable[[Wizard, Problems], Awaitable[None]]


async def look_at_mapping(wizard: Wizard) -> Shown:
    """Show under which names readers will find both, and what else has these names."""
    if not wizard.answers.map_client_id and not wizard.answers.map_client_secret:
        client_id, secret = await _free_mapping(wizard)
        wizard.note(map_client_id=client_id, map_client_secret=secret)
    return {
        "keys": wizard.answers.credential.rules.are_keys,
        "place": str(wizard.where),
        **await look_at_mapped_names(wizard),
    }


async def look_at_mapped_names(wizard: Wizard) -> Shown:
    """Tell whether the names are free, for who is typing them."""
    return await _told(wizard, _judge_mapping, ("map_client_id", "map_client_secret"))


async def check_mapping(wizard: Wizard) -> None:
    """Make sure that the names fit the rules and are free."""
    await _judge_mapping(wizard, wizard.problems)


async def look_at_details(wizard: Wizard) -> Shown:
    """Show what the rotation is called."""
    if not wizard.answers.name:
        wizard.note(name=await _free_name(wizard))
    return {
        "longest": names.DESCRIPTION_MAX,
        "place": str(wizard.where),
        **await look_at_name(wizard),
    }


async def look_at_name(wizard: Wizard) -> Shown:
    """Tell whether the name is free, for who is typing it."""
    return await _told(wizard, _judge_name, ("name",))


async def check_details(wizard: Wizard) -> None:
    """Make sure that the name fits the rule and is free, and the description not too long."""
    await _judge_name(wizard, wizard.problems)
    with wizard.problems.at("description"):
        names.description(wizard.answers.description)


async def _told(wizard: Wizard, judge: Judge, fields: Sequence[str]) -> Shown:
    wrong = Problems()
    await judge(wizard, wrong)
    typed = [(field, getattr(wizard.answers, field)) for field in fields]
    return {
        "names": [(text, wrong.of(field)) for field, text in typed if text],
        "names_wrong": [wrong.of(field) for field in wrong.fields if field not in fields],
    }


async def _judge_mapping(wizard: Wizard, problems: Problems) -> None:
    mapping = SecretsMapping(wizard.answers.map_client_id, wizard.answers.map_client_secret)
    typed = (("map_client_id", mapping.client_id), ("map_client_secret", mapping.client_secret))
    for field, name in typed:
        with problems.at(field):
            names.secret_name((field,), name)
        if len(name) > TEXT_MAX:
            problems.note(field, f"Must be at most {TEXT_MAX} characters.")
    if not problems:
        with problems.at("map_client_secret"):
            checked_mapping(mapping)
    wanted = frozenset(name for _, name in typed)
    with problems.at(""):
        taken = (await _taken(wizard, TakenNames(secrets=wanted))).secrets
        for field, name in typed:
            if name in taken:
                told = f"There is a secret {name} in {wizard.where} already: choose another name."
                problems.note(field, told, 400)


async def _judge_name(wizard: Wizard, problems: Problems) -> None:
    with problems.at("name"):
        name = names.slug("name", wizard.answers.name)
        taken = await _taken(wizard, TakenNames(rotations=frozenset({name})))
        if taken.rotations:
            told = f"There is a rotation {name} in {wizard.where} already: choose another name."
            problems.note("name", told, 400)


async def _taken(wizard: Wizard, asked: TakenNames) -> TakenNames:
    visit, connection_id = wizard.visit, wizard.answers.connection
    return await find_taken_names(visit.world, visit.caller, wizard.where, connection_id, asked)


async def _free_mapping(wizard: Wizard) -> tuple[str, str]:
    """Return the usual names, or where they are in use such that are named after the app."""
    secret = PRIVATE_KEY if wizard.answers.credential.rules.are_keys else CLIENT_SECRET
    prefix = re.sub(r"[^A-Z0-9]+", "_", wizard.answers.label.upper()).strip("_")[:40] or "APP"
    befores = ("OKTA", prefix, *(f"{prefix}_{number}" for number in range(2, TRIED)))
    pairs = [
        (f"{each}{CLIENT_ID.removeprefix('OKTA')}", f"{each}{secret.removeprefix('OKTA')}")
        for each in befores
    ]
    taken = await _found(wizard, TakenNames(secrets=frozenset(n for pair in pairs for n in pair)))
    return next((pair for pair in pairs if not taken.secrets.intersection(pair)), pairs[0])


async def _free_name(wizard: Wizard) -> str:
    base = names.slugified(wizard.answers.label)
    wanted = [base, *(f"{base}-{number}" for number in range(2, TRIED + 1))]
    taken = (await _found(wizard, TakenNames(rotations=frozenset(wanted)))).rotations
    return next((name for name in wanted if name not in taken), base)


async def _found(wizard: Wizard, asked: TakenNames) -> TakenNames:
    """Tell which names are in use; what cannot be told is told where it matters."""
    try:
        return await _taken(wizard, asked)
    except CallerError:
        return TakenNames()


MAPPINGS: Final = Step(
    "mappings",
    "Mappings",
    ("map_client_id", "map_client_secret"),
    look_at_mapping,
    check_mapping,
)
DETAILS: Final = Step("details", "Details", ("name", "description"), look_at_details, check_details)
