"""The key by which the product itself logs in: struck at each boundary, and its judge tried out."""

from collections.abc import Callable
from random import Random

import broken_products as broken
import pytest

from keyturn.cli.simulation.one_turn import Scene, singles, try_turn
from keyturn.cli.simulation.rim import Strike
from keyturn.cli.simulation.stage import Sabotage, Stage
from keyturn.domain.connection import OktaCredentials, ServiceApp
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive

OWN = Scene(kind=CredentialKind.CONNECTION_KEY)
SOON_S = 4000.0
FIRST: list[OktaCredentials] = []


def nothing(stage: Stage) -> None:
    """Leave the world as it is."""


def remember(stage: Stage) -> None:
    """Keep the key that is in use before the turn."""
    assert stage.own
    value = Sensitive(stage.ledger.access.value)
    FIRST[:] = [ServiceApp(stage.own.client_id, value)]


def lock_out(stage: Stage) -> None:
    """Let somebody put another key in the place of the one in use, and tell nobody."""
    assert stage.own
    app_id, props = stage.own.app_id, stage.own.props
    (used,) = stage.ledger.app(app_id).live_secrets
    with stage.ledger.by_somebody_else("an administrator"):
        props.add(stage.org, app_id, Random(1))
        props.deactivate(stage.org, app_id, used.id)
        props.delete(stage.org, app_id, used.id)


CONTROLS: dict[str, tuple[Sabotage, Callable[[Stage], None], set[str]]] = {
    "deactivates the old key before it uses the new one": (
        broken.ends_the_old_key_first,
        nothing,
        {
            "served_secret_is_accepted",
            "nothing_is_retired_before_its_gate",
            "change_is_on_record",
        },
    ),
    "serves a key and uses another": (
        broken.keeps_its_old_key,
        nothing,
        {"we_use_what_is_served"},
    ),
    "logs in with what it has retired": (
        broken.logs_in_for_ever_with(FIRST),
        remember,
        {"no_log_in_of_ours_is_refused"},
    ),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_product_that_breaks_its_own_access_is_found_out(name: str) -> None:
    """The judge names what is broken; the product as it is breaks nothing."""
    sabotage, prepare, expected = CONTROLS[name]
    scene = Scene(kind=OWN.kind, sabotage=sabotage, prepare=prepare, lasts_s=SOON_S)
    assert try_turn({}, scene).broken == expected
    assert not try_turn({}, Scene(kind=OWN.kind, prepare=prepare, lasts_s=SOON_S)).broken


def test_who_is_locked_out_and_helped_by_nobody_is_found() -> None:
    """That somebody took the key excuses refusals, and not that nobody puts it right."""
    tried = try_turn({}, Scene(kind=OWN.kind, prepare=lock_out, lasts_s=SOON_S))
    assert tried.broken == {"we_get_in_again"}
    assert tried.events["log-ins of ours refused"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("at", "strike"), [*singles(try_turn({}, OWN).boundaries)])
def test_one_strike_at_every_boundary_of_our_key(at: int, strike: Strike) -> None:
    """Whatever befalls the turn, it ends, and the one key that is left is the one in use."""
    tried = try_turn({at: strike}, OWN)
    assert [str(each) for each in tried.violations] == []
    assert set(tried.ends) <= {"finished", "rolled_back"}
    assert tried.living == ["ACTIVE"]
