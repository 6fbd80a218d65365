"""Whatever way somebody takes through the wizard, nothing that was answered is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from web_kit import WebHouse, open_web
from wizard_kit import ASKS, fields_of, rotations, step_of

from keyturn.domain.errors import Refused
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import AppId, ClientId, CredentialId, SecretHash
from keyturn.domain.okta import App, AuthMethod, Credential, CredentialKind, Status
from keyturn.domain.rotation import Adopt, decide_onboarding
from keyturn.domain.sensitive import Sensitive
from keyturn.web.pages.wizard_answers import PATH
from keyturn.web.pages.wizard_choices import Choice, choices, chosen, usual

TYPED = (
    *("new_name", "new_url", "new_client_id", "path", "days", "every", "cron", "at", "overlap"),
    *("backstop", "soak", "quiet", "search", "map_client_id", "map_client_secret", "name"),
    "description",
)
CHOSEN = {
    "kind": ["okta-client-secret", "okta-api-service-secret", "okta-client-key"],
    "algorithm": ["RS256", "ES256"],
    "new_method": ["api-token", "oauth-service-app"],
    "environment": ["dev", "staging", "prod"],
    "automatic": ["on", "off"],
    "often": ["days", "every", "cron"],
    "zone": ["UTC", "Europe/Berlin", "Asia/Tokyo"],
    "overlap_policy": ["", "fixed", "evidence", "until-next"],
    "log": ["", "on", "off"],
}
GOOD = {
    "path": "/",
    "days": "30",
    "every": "12h",
    "cron": "30 2 * * sun",
    "at": "02:30",
    "overlap": "15m",
    "backstop": "8d",
    "soak": "1h",
    "quiet": "1h",
    "map_client_id": "A_CLIENT_ID",
    "map_client_secret": "A_CLIENT_SECRET",
    "name": "a-name",
    "description": "what it is for",
}
ODD = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12) | st.just("<b>\"'&amp;")


@dataclass(frozen=True)
class Move:
    """A button, and what was typed before it was pressed."""

    button: str
    typed: dict[str, str]


@st.composite
def moves(draw: st.DrawFn) -> Move:
    """Draw what somebody does on a page, whichever it is: mostly what leads on."""
    typed: dict[str, str] = {}
    for name in draw(st.lists(st.sampled_from([*TYPED, *CHOSEN]), max_size=6, unique=True)):
        if name in CHOSEN:
            typed[name] = draw(st.sampled_from(CHOSEN[name]))
        elif name in GOOD and draw(st.integers(0, 3)):
            typed[name] = GOOD[name]
        else:
            typed[name] = draw(ODD)
    return Move(draw(st.sampled_from(["Next", "Next", "Next", "Back", "Go on", "Change"])), typed)


async def walk(web: WebHouse, steps: Sequence[Move]) -> None:
    """Walk, and see that each page still has what every page before it was told."""
    connection = await web.house.connect()
    page = await web.visitor.open(PATH, connection=connection, app=web.house.app_id, step="type")
    told: dict[str, str] = {}
    for move in steps:
        asked = [name for name in ASKS[step_of(page)] if name in page.form_with("Go on")[0].names]
        typed = {name: text for name, text in move.typed.items() if name in asked}
        buttons = [each.text for each in page.form_with("Go on")[0].buttons]
        button = move.button if move.button in buttons else buttons[-1]
        if step_of(page) == "review" and button in ("Go on", "Create rotation"):
            button = "Back"
        told |= {name: text.strip() for name, text in typed.items()}
        page = await web.visitor.press(page, button, **typed)
        assert page.status < 500 or page.status == 502
        kept = fields_of(page)
        for name, text in told.items():
            assert kept[name] == text or (not text and name in PROPOSED), (name, move)
        assert kept["connection"] == connection
    assert await rotations(web) == []


PROPOSED = frozenset({"new_name", "map_client_id", "map_client_secret", "name"})
"""What the wizard proposes anew where it is left empty."""


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.generate],  # an example takes a house, and says enough as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(moves(), min_size=4, max_size=14))
def test_every_answer_survives_every_walk(steps: list[Move]) -> None:
    """Back and on, right or wrong, by each button: what was typed is still there."""

    async def housed() -> None:
        async with open_web() as web:
            await walk(web, steps)

    anyio.run(housed)


async def test_there_and_back_again_loses_nothing(web: WebHouse) -> None:
    """The same on one straight way, for who has no time for all the others."""
    onward = [Move("Next", GOOD)] * 5
    await walk(web, [*onward, *[Move("Back", {})] * 5, *[Move("Next", {})] * 5])


# --- the choices of what becomes of what an app has ---------------------------------------------

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
APP = App(AppId("0oa"), ClientId("0oa"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)
KINDS = [CredentialKind.CLIENT_SECRET, CredentialKind.API_SERVICE_SECRET]


def listed(kind: CredentialKind, states: Sequence[Status]) -> tuple[Credential, ...]:
    """Return credentials as Okta lists them: an integration's without their values."""
    shown = kind is CredentialKind.CLIENT_SECRET
    return tuple(
        Credential(
            CredentialId(f"ocs{number}"),
            SecretHash(f"hash-{number}"),
            state,
            NOW,
            Sensitive(f"value-{number}") if shown else None,
        )
        for number, state in enumerate(states)
    )


@given(st.sampled_from(KINDS), st.lists(st.sampled_from(list(Status)), max_size=2))
def test_every_choice_that_is_offered_is_one(kind: CredentialKind, states: list[Status]) -> None:
    """The rules refuse none of them, and the consent goes no further than its words."""
    secrets = listed(kind, states)
    for choice in choices(kind, secrets, NOW):
        existing = chosen(choice.code)
        if existing.by_value:
            assert any(one.status is Status.ACTIVE for one in secrets)
            continue
        decided = decide_onboarding(
            APP,
            secrets,
            adopt_existing=existing.way == "adopt",
            retire_existing=existing.retire,
            kind=kind,
        )
        assert isinstance(decided, Adopt) is (existing.way == "adopt")
        assert (decided.retire is None) is (existing.retire is None)
        if decided.retire:
            assert f"{decided.retire.id}, made" in choice.text


@given(st.sampled_from(KINDS), st.lists(st.sampled_from(list(Status)), max_size=2))
def test_the_usual_choice_ends_nothing(kind: CredentialKind, states: list[Status]) -> None:
    """What was not chosen by anybody retires no secret and needs no value."""
    offered = choices(kind, listed(kind, states), NOW)
    code = usual(offered)
    if code:
        assert chosen(code).retire is None
        assert not chosen(code).by_value
        assert code in [each.code for each in offered]


def test_without_a_way_none_is_offered() -> None:
    """Two INACTIVE secrets leave no room, as the rules say too."""
    secrets = listed(CredentialKind.CLIENT_SECRET, [Status.INACTIVE] * 2)
    assert choices(CredentialKind.CLIENT_SECRET, secrets, NOW) == ()
    with pytest.raises(Refused):
        decide_onboarding(APP, secrets, adopt_existing=True, retire_existing=None)


@pytest.mark.parametrize(
    ("kind", "known", "codes"),
    [
        (CredentialKind.CLIENT_KEY, None, ["issue", "value"]),
        (CredentialKind.CLIENT_KEY, [], ["issue"]),
        (CredentialKind.CLIENT_KEY, [Status.ACTIVE] * 3, ["issue", "value"]),
        (CredentialKind.CLIENT_SECRET, [], ["issue"]),
    ],
)
def test_keys_stand_in_nobodys_way(
    kind: CredentialKind, known: list[Status] | None, codes: list[str]
) -> None:
    """A key is added beside the others, or taken over by its value."""
    secrets = None if known is None else listed(kind, known)
    offered: Sequence[Choice] = choices(kind, secrets, NOW)
    assert [each.code for each in offered] == codes
    assert usual(offered) == "issue"


@pytest.mark.parametrize(
    "code", ["", "retire", "adopt:x", "issue:ocs1:2026-13-45", "value:a b:2026-01-01"]
)
def test_what_is_no_choice_is_the_usual_one(code: str) -> None:
    """An address that somebody made up consents to nothing."""
    assert chosen(code).retire is None
    assert chosen(code).way == "adopt"


def test_a_consent_names_the_id_and_the_day() -> None:
    """Both, as the rules compare them."""
    wanted = Consent(CredentialId("ocs1"), NOW.date())
    assert chosen(f"issue:ocs1:{NOW:%Y-%m-%d}").retire == wanted
