"""How a connection does: every reason has its light and its moment, and none is passed over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import FolderId, OAuthConnectionId, RegistrationId
from keyturn.domain.oauth.connection import Connection, GrantType, State, Tokens
from keyturn.domain.oauth.health import Fate, Health, Seen, judge, judge_grant, judge_secret
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, Standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENDS = NOW + timedelta(hours=1)
TOLD = "It was refused."
ASK = "Authorize again to ask for it; what is refused then has to be granted at the server first."
TOKENS = Tokens(1, b"", "Bearer", True, NOW, ENDS, version=1)  # noqa: FBT003  # its place
GOOD = Connection(
    OAuthConnectionId("c"),
    RegistrationId("r"),
    FolderId("f"),
    "c",
    GrantType.CODE,
    ("x",),
    NOW,
    NOW,
    state=State.READY,
    granted=("x",),
    tokens=TOKENS,
    told=TOLD,
)
PROVED = ClientRegistration(
    RegistrationId("r"),
    FolderId("f"),
    "r",
    "api",
    Scheme.OAUTH,
    "{}",
    "id",
    NOW,
    NOW,
    standing=Standing.ACCEPTED,
    tested=3,
    proved_version=3,
    told="It was rejected.",
)
BAD = replace(PROVED, standing=Standing.REJECTED)
LAST = replace(TOKENS, renewable=False)
SEEN = Seen(version=3)
UNSURE = "Nothing tells how long its token lasts, and it has no refresh token."
LAST_WORDS = "It has no refresh token: it ends with its token."
TAKE_OTHER = (
    "Replace it in the client registration, best by the name of the secret that a rotation keeps."
)
GONE = "It will fail at its next refresh: its client secret is INACTIVE, or deleted."
INACTIVE = "Its client secret is INACTIVE, or deleted."
LEAVING = "Its client secret has been replaced, and is retired before long."
REJECTED = "It will fail at its next refresh. It was rejected."
UNPROVED = "Version 4 of its client secret has not been proved yet."


def test_healthy_is_what_nothing_speaks_against() -> None:
    """Tokens that can be renewed with a secret that was proved, and every scope."""
    assert judge(GOOD, PROVED, SEEN, NOW) == Health(Light.HEALTHY)


@pytest.mark.parametrize(
    ("connection", "told", "light"),
    [
        (
            replace(GOOD, state=State.NEW, tokens=None, granted=()),
            "Nobody has authorized it yet.",
            Light.UNKNOWN,
        ),
        (
            replace(GOOD, state=State.NEW, tokens=None, grant_type=GrantType.CLIENT_CREDENTIALS),
            "It has had no token yet.",
            Light.UNKNOWN,
        ),
        (replace(GOOD, state=State.LAPSED), TOLD, Light.AT_RISK),
        (replace(GOOD, state=State.TROUBLED), TOLD, Light.AT_RISK),
        (replace(GOOD, tokens=LAST), LAST_WORDS, Light.AT_RISK),
        (replace(GOOD, state=State.TROUBLED, tokens=LAST), LAST_WORDS, Light.AT_RISK),
        (replace(GOOD, state=State.TROUBLED, tokens=None), TOLD, Light.BROKEN),
        (replace(GOOD, tokens=replace(LAST, expires_at=None)), UNSURE, Light.AT_RISK),
    ],
)
def test_a_grant_may_be_missing_ended_or_about_to_end(
    connection: Connection, told: str, light: Light
) -> None:
    """While a token lasts that is a risk with a date, and after that it is broken."""
    tokens = connection.tokens
    dated = light is Light.AT_RISK and tokens is not None and tokens.expires_at is not None
    assert judge(connection, PROVED, SEEN, NOW) == Health(light, (told,), ENDS if dated else None)
    if dated:
        assert judge(connection, PROVED, SEEN, ENDS) == Health(Light.BROKEN, (told,))


@pytest.mark.parametrize(
    ("registration", "seen", "expected"),
    [
        (PROVED, Seen(3, Fate.GONE), Health(Light.AT_RISK, (f"{GONE} {TAKE_OTHER}",), ENDS)),
        (BAD, Seen(4, Fate.GONE), Health(Light.AT_RISK, (f"{GONE} {TAKE_OTHER}",), ENDS)),
        (PROVED, Seen(3, Fate.LEAVING), Health(Light.AT_RISK, (f"{LEAVING} {TAKE_OTHER}",))),
        (PROVED, Seen(3, Fate.IN_USE), Health(Light.HEALTHY)),
        (BAD, SEEN, Health(Light.AT_RISK, (REJECTED,), ENDS)),
        (BAD, Seen(2), Health(Light.HEALTHY)),
        (BAD, Seen(4), Health(Light.UNKNOWN, (UNPROVED,))),
        (PROVED, Seen(4), Health(Light.UNKNOWN, (UNPROVED,))),
        (PROVED, Seen(2), Health(Light.HEALTHY)),
        (replace(BAD, scheme=Scheme.BASIC), Seen(4, Fate.GONE), Health(Light.HEALTHY)),
    ],
)
def test_a_secret_may_be_gone_leaving_rejected_or_unproved(
    registration: ClientRegistration, seen: Seen, expected: Health
) -> None:
    """What fails at the next refresh is told before it does."""
    assert judge(GOOD, registration, seen, NOW) == expected


def test_a_secret_that_is_not_needed_speaks_against_nothing() -> None:
    """Where nothing is renewed no secret is used; without tokens none is missed yet."""
    last = judge(replace(GOOD, tokens=LAST), BAD, Seen(4, Fate.GONE), NOW)
    assert last.reasons == (LAST_WORDS,)
    minted = replace(GOOD, grant_type=GrantType.CLIENT_CREDENTIALS, tokens=None)
    assert judge(minted, PROVED, Seen(4), NOW) == Health(Light.HEALTHY)
    assert judge(minted, BAD, SEEN, NOW) == Health(Light.BROKEN, (REJECTED,))


def test_scopes_that_are_missing_are_named() -> None:
    """Some of its requests fail; without tokens nothing was granted yet."""
    less = replace(GOOD, scopes=("x", "y", "openid", "z"))
    told = f"Not granted: y, z. {ASK}"
    assert judge(less, PROVED, SEEN, NOW) == Health(Light.AT_RISK, (told,))
    new = judge(replace(less, state=State.NEW, tokens=None), PROVED, SEEN, NOW)
    assert new.light is Light.UNKNOWN


def test_the_worst_counts_and_the_earliest() -> None:
    """All reasons are told, in one light."""
    bad = replace(GOOD, state=State.TROUBLED, scopes=("y",))
    both = judge(bad, PROVED, Seen(4), NOW)
    assert both.light is Light.AT_RISK
    assert [told[:11] for told in both.reasons] == ["It was refu", "Version 4 o", "Not granted"]
    assert both.fails_at == ENDS
    assert judge(bad, PROVED, Seen(4), ENDS).light is Light.BROKEN


def test_the_lights_are_listed_from_the_worst() -> None:
    """Which of two counts is told by their order."""
    assert [*Light] == [Light.BROKEN, Light.AT_RISK, Light.UNKNOWN, Light.HEALTHY]


def test_a_connection_without_tokens_is_known_by_its_use() -> None:
    """Nothing that concerns tokens speaks against it."""
    plain = replace(GOOD, grant_type=GrantType.NONE, state=State.LAPSED, scopes=("y",))
    assert judge(plain, BAD, Seen(4, Fate.GONE), NOW) == Health(
        Light.UNKNOWN, ("It was not used yet.",)
    )
    assert judge(replace(plain, used_at=NOW), BAD, SEEN, NOW) == Health(Light.HEALTHY)


@pytest.mark.parametrize(
    ("registration", "seen", "light", "told"),
    [
        (PROVED, SEEN, Light.HEALTHY, ()),
        (PROVED, Seen(4), Light.UNKNOWN, ()),
        (replace(PROVED, standing=Standing.UNPROVED), SEEN, Light.UNKNOWN, ()),
        (BAD, SEEN, Light.BROKEN, ("It was rejected.",)),
        (BAD, Seen(4), Light.UNKNOWN, ()),
        (BAD, Seen(3, Fate.LEAVING), Light.BROKEN, ("It was rejected.",)),
        (PROVED, Seen(3, Fate.LEAVING), Light.AT_RISK, (f"{LEAVING} {TAKE_OTHER}",)),
        (PROVED, Seen(3, Fate.GONE), Light.BROKEN, (f"{INACTIVE} {TAKE_OTHER}",)),
        (BAD, Seen(3, Fate.GONE), Light.BROKEN, (f"{INACTIVE} {TAKE_OTHER}",)),
        (replace(BAD, scheme=Scheme.BASIC), Seen(3, Fate.GONE), Light.UNKNOWN, ()),
    ],
)
def test_a_secret_does_well_or_ill_for_all_connections(
    registration: ClientRegistration, seen: Seen, light: Light, told: tuple[str, ...]
) -> None:
    """What was seen of the version that is used counts, and what became of the one it copies."""
    assert judge_secret(registration, seen) == Health(light, told)


def test_a_grant_is_judged_without_its_secret() -> None:
    """What is wrong with it alone is told; without OAuth there is none to judge."""
    assert judge_grant(GOOD, NOW) == Health(Light.HEALTHY)
    lapsed = replace(GOOD, state=State.LAPSED, scopes=("x", "y"))
    missing = f"Not granted: y. {ASK}"
    assert judge_grant(lapsed, NOW) == Health(Light.AT_RISK, (TOLD, missing), ENDS)
    plain = replace(GOOD, grant_type=GrantType.NONE, state=State.LAPSED)
    assert judge_grant(plain, NOW) == Health(Light.UNKNOWN)
