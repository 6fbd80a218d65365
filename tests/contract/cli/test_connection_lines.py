"""What commands say of connections, and how they wait for somebody."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import click
import pytest
from click.testing import CliRunner

from keyturn.cli import oauth_connection, registration, registration_consumer
from keyturn.cli.connection_authorize import decided
from keyturn.cli.connection_lines import health_of, lines_of
from keyturn.cli.credential import read_stdin
from keyturn.cli.naming import one_named
from keyturn.cli.usage import tree_of
from keyturn.wire import registrations as wire
from keyturn.wire.oauth_connections import (
    DeviceAnswer,
    DeviceAuthorization,
    GrantType,
    OAuthConnection,
)
from keyturn.wire.registrations import Consumer
from keyturn.wire.usage import UsageAnswer, UsedConnection, UsedRegistration, UsedRotation

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEALTHY = OAuthConnection.model_construct(
    id="c1",
    name="crm",
    registration_name="workflows",
    environment="dev",
    secret_path="/",
    description=None,
    grant_type="authorization_code",
    scopes=("a", "b"),
    granted=("a",),
    lacking=("b",),
    subject="una",
    aliases=("main",),
    light="at_risk",
    reasons=("It has no refresh token.",),
    fails_at=AT,
    state="lapsed",
    authorized_at=AT,
    expires_at=AT,
    used_at=None,
)


def test_health_is_told_in_words_with_when_and_why() -> None:
    """Whoever reads it knows what to do, and until when."""
    assert health_of(HEALTHY) == "at risk, fails 2026-03-01 12:00:00 UTC"
    lines = lines_of(HEALTHY)
    assert "  because       It has no refresh token." in lines
    assert "  lacking       b" in lines
    assert "  authorized    by una, 2026-03-01 12:00:00 UTC" in lines
    assert lines[-1] == "Next: keyturn connection authorize crm"


def test_what_a_server_said_moves_no_cursor() -> None:
    """A subject and scopes are anybody's words."""
    lines = lines_of(HEALTHY.model_copy(update={"subject": "\x1b[2J"}))
    assert not any("\x1b" in line for line in lines)


def test_usage_is_a_tree() -> None:
    """Each thing stands below what it hangs on."""
    connection = UsedConnection.model_construct(
        name="crm", light="healthy", fails_at=None, reasons=(), aliases=("main",)
    )
    consumer = Consumer.model_construct(
        name="apache", adoption="reload", required=False, confirmed_version=0
    )
    client = UsedRegistration.model_construct(
        name="workflows",
        environment="dev",
        secret_path="/",
        standing="accepted",
        version=2,
        proved_version=1,
        connections=(connection,),
        consumers=(consumer,),
    )
    rotation = UsedRotation(id="r1", name="web")
    used = UsageAnswer(rotation=rotation, registrations=(client,), readers=("ci",), destinations=())
    assert tree_of(used) == [
        "rotation web",
        "├─ client registration workflows in dev/: accepted, version 2, of which 1 is proved",
        "│  ├─ connection crm: healthy",
        "│  │  └─ alias main",
        "│  └─ consumer apache (reload): uses none yet, optional",
        "└─ reader ci",
    ]


def test_a_secret_that_nobody_uses_says_so() -> None:
    """No tree is a tree as well."""
    used = UsageAnswer(rotation=None, registrations=(), readers=(), destinations=())
    assert tree_of(used) == ["no rotation keeps the secret", "└─ nothing that Keyturn knows of"]


async def test_the_server_says_how_often_it_is_asked() -> None:
    """The pause is its own, and grows when it says so (RFC 8628, 3.5)."""
    waited: list[float] = []
    later = [
        DeviceAnswer(waiting=True, interval_s=10),
        DeviceAnswer(waiting=True, interval_s=None),
        DeviceAnswer.model_construct(waiting=False, connection=HEALTHY),
    ]
    begun = DeviceAuthorization.model_construct(request_id="q1", interval_s=5)

    class Asked:
        async def ask_device(self, connection_id: str, request_id: str) -> DeviceAnswer:
            assert (connection_id, request_id) == ("c1", "q1")
            return later.pop(0)

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    assert await decided(Asked(), "c1", begun, sleep) is HEALTHY  # type: ignore[arg-type]  # a part
    assert waited == [5, 10, 10]


@dataclass(frozen=True)
class Thing:
    """Something with a name."""

    id: str
    name: str


@pytest.mark.parametrize(
    ("which", "told"), [("none", "`list` has all"), ("twice", "say which by id: 1, 2")]
)
def test_a_name_that_is_not_clear_is_told(which: str, told: str) -> None:
    """An id always is; a name in two folders is not."""
    every = [Thing("1", "twice"), Thing("2", "twice"), Thing("3", "1"), Thing("4", "once")]
    assert one_named(every, "once", noun="thing", listed_by="list").id == "4"
    assert one_named(every, "1", noun="thing", listed_by="list").id == "1"
    with pytest.raises(click.ClickException, match=told):
        one_named(every, which, noun="thing", listed_by="list")


@click.command()
def asking() -> None:
    """Read a secret, and say how long it is."""
    click.echo(len(read_stdin("Secret")))


def test_a_key_of_many_lines_is_read_as_it_is() -> None:
    """Only the end of its last line goes; nothing at all is an error."""
    assert CliRunner().invoke(asking, input="--BEGIN\nabc\n--END\n").output == "17\n"
    nothing = CliRunner().invoke(asking, input="\n")
    assert "Standard input holds nothing" in nothing.stderr


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (registration.CONNECTORS, wire.Connector),
        (registration.SCHEMES, wire.Scheme),
        (registration_consumer.ADOPTIONS, wire.Adoption),
        (oauth_connection.GRANTS, GrantType),
    ],
)
def test_options_take_what_the_api_takes(known: tuple[str, ...], kind: object) -> None:
    """No choice is missing, and none is too much."""
    assert set(known) == set(get_args(kind))
