"""The step of the wizard that chooses an app, and what becomes of the secrets that it has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from keyturn.domain.okta import App, CredentialKind, Status
from keyturn.services.apps import AppRotation, AppView, list_apps
from keyturn.services.onboarding import Prospect, preview_rotation
from keyturn.web.pages.wizard_choices import Choice, Listed, choices, named, usual
from keyturn.web.pages.wizard_problems import Problems
from keyturn.web.pages.wizard_state import Shown, Step, Wizard

SHOWN: Final = 8
"""How many apps a search shows: each costs a call to Okta."""

METHODS: Final = {
    "client_secret_basic": "client secret, in a header",
    "client_secret_post": "client secret, in the body",
    "client_secret_jwt": "JWT signed by its client secret",
    "private_key_jwt": "JWT signed by its private key",
    "none": "nothing (a public client)",
}


@dataclass(frozen=True)
class Card:
    """An app that can be chosen, or why it cannot (``why``); ``unread`` where Okta was not asked.

    ``existing`` is the code of what becomes of its credentials.
    """

    app: App
    method: str
    secrets: Sequence[str]
    unread: bool
    choices: Sequence[Choice]
    existing: str
    why: str = ""
    kept_by: AppRotation | None = None

    @property
    def options(self) -> Sequence[tuple[str, str, str]]:
        """Return the choices as radio buttons have them."""
        return [(each.code, each.text, each.about) for each in self.choices]

    @property
    def undecided(self) -> bool:
        """Say whether somebody has to choose, because no way is the usual one."""
        return bool(self.choices) and not usual(self.choices)


async def look_at_apps(wizard: Wizard) -> Shown:
    """Show the apps that are searched for, and the one that is chosen.

    What is no label's beginning may be a client id, which Okta can find by looking at every app.
    """
    shown = await look_at_search(wizard)
    if not shown["cards"] and wizard.answers.search:
        sought = replace(wizard, answers=replace(wizard.answers, app=wizard.answers.search))
        sought.problems = Problems()
        if cards := await _card_apart(sought):
            wizard.note(app=sought.answers.app)
            found = {"cards": cards, "none_found": False, "chosen": wizard.answers.app}
            return {**shown, **found}
    return shown


async def look_at_search(wizard: Wizard) -> Shown:
    """Show the same by what Okta's own search finds, for who is typing."""
    listed, more = await _search(wizard)
    wizard.note(searched=wizard.answers.search)
    cards = sorted((_card_of(wizard, each) for each in listed), key=lambda card: bool(card.why))
    wanted = wizard.answers.app
    if wanted and not any(wanted == card.app.id and not card.unread for card in cards):
        cards = [*await _card_apart(wizard), *(card for card in cards if card.app.id != wanted)]
    eligible = [card for card in cards if not card.why]
    if not wanted and len(eligible) == 1 and wizard.answers.search:
        wizard.note(app=eligible[0].app.id)
    return {
        "by_id": _by_id(wizard),
        "cards": cards,
        "more": more,
        "none_left": bool(listed) and not eligible,
        "none_found": not listed and not _by_id(wizard) and not wizard.problems.of("search"),
        "chosen": wizard.answers.app,
        "noun": wizard.answers.credential.rules.noun,
    }


async def check_app(wizard: Wizard) -> None:
    """Make sure that the app can be taken over in the way that was chosen."""
    if not wizard.answers.app:
        wizard.problems.note("app", "Choose the app.")
        return
    with wizard.problems.at("app"):
        prospect = await _prospect(wizard)
        offered = _choices(wizard, prospect.secrets)
        code = _code(wizard, prospect.app, offered)
        wizard.note(app=prospect.app.id, label=prospect.app.label, existing=code)
        if not offered:
            wizard.problems.note("app", FULL.format(prospect.app.label), 400)
        elif not code:
            told = f"Choose what becomes of the secrets that {prospect.app.label} has."
            wizard.problems.note("app", told)


FULL: Final = (
    "{} has two client secrets at Okta, and both are INACTIVE: remove one there, then go on."
)


def _by_id(wizard: Wizard) -> bool:
    """Say whether Okta lists none of them, so that only an id leads there."""
    return wizard.answers.credential is CredentialKind.API_SERVICE_SECRET


async def _search(wizard: Wizard) -> tuple[Sequence[AppView], bool]:
    if _by_id(wizard):
        return (), False
    visit, answers = wizard.visit, wizard.answers
    with wizard.problems.at("search"):
        found = await list_apps(
            visit.world, visit.caller, answers.connection, label=answers.search, limit=SHOWN
        )
        return found.apps, found.more
    return (), False


async def _prospect(wizard: Wizard) -> Prospect:
    visit, draft = wizard.visit, wizard.draft_of_app()
    return await preview_rotation(visit.world, visit.caller, draft, value_follows=True)


async def _card_apart(wizard: Wizard) -> Sequence[Card]:
    """Return the chosen app, which the search has not found; nothing where it cannot be taken."""
    wrong = Problems()
    with wrong.at("app"):
        prospect = await _prospect(wizard)
        wizard.note(app=prospect.app.id)
        return [_card(wizard, prospect.app, prospect.secrets)]
    for text in wrong.texts:
        wizard.problems.note("app", text, wrong.status)
    return []


def _card_of(wizard: Wizard, view: AppView) -> Card:
    """Return an app as the search has found it."""
    kind = wizard.answers.credential
    why = ""
    if view.rotation:
        why = "It is kept by a rotation already."
    elif view.app.status is not Status.ACTIVE:
        why = "It is INACTIVE at Okta: its administrator must activate it."
    elif CredentialKind.CONNECTION_KEY in view.kinds:
        why = "Keyturn itself logs in as it: its key is turned with its connection."
    elif kind not in view.kinds:
        why = f"It has no {kind.rules.noun}: it authenticates by {_method(view.app)}."
    return _card(wizard, view.app, view.secrets, why, view.rotation)


def _card(
    wizard: Wizard,
    app: App,
    secrets: Sequence[Listed] | None,
    why: str = "",
    kept_by: AppRotation | None = None,
) -> Card:
    now, unread = wizard.visit.world.clock.now(), secrets is None and not _keys(wizard)
    offered = () if why or unread else _choices(wizard, secrets)
    if not (why or unread or offered):
        why = FULL.format("It")
    return Card(
        app=app,
        method=_method(app),
        secrets=[named(each, now) for each in secrets or ()],
        unread=unread,
        choices=offered,
        existing=_code(wizard, app, offered),
        why=why,
        kept_by=kept_by,
    )


def _choices(wizard: Wizard, secrets: Sequence[Listed] | None) -> Sequence[Choice]:
    return choices(wizard.answers.credential, secrets, wizard.visit.world.clock.now())


def _code(wizard: Wizard, app: App, offered: Sequence[Choice]) -> str:
    """Return the choice for an app: what was said of it, if it is still one, or the usual."""
    said = wizard.answers.existing if app.id == wizard.answers.app else ""
    return said if said in [each.code for each in offered] else usual(offered)


def _keys(wizard: Wizard) -> bool:
    """Say whether it is about keys, which are not listed with the apps."""
    return wizard.answers.credential.rules.are_keys


def _method(app: App) -> str:
    return METHODS.get(app.auth_method.value, app.auth_method.value)


PARAMETERS: Final = Step(
    "parameters",
    "App",
    ("search", "searched", "app", "label", "existing"),
    look_at_apps,
    check_app,
)
