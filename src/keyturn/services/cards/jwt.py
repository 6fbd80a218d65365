"""The cards on JSON Web Tokens that sign and verify."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.expressions import step_into
from keyturn.domain.flows.failures import CardFailure, wrong_input
from keyturn.domain.flows.tokens import (
    check_claims,
    header_of,
    payload_of,
    read_token,
)
from keyturn.domain.flows.values import MASK, Bound, Value, hidden, is_masked, members
from keyturn.domain.flows.walk import Act
from keyturn.domain.sensitive import Sensitive
from keyturn.services.cards.stage import Perform, Stage, given


async def _sign(stage: Stage, act: Act) -> Bound:
    inputs = given(act)
    payload = payload_of(inputs, int(stage.world.clock.now().timestamp()))
    token = await stage.world.signer.sign(
        header_of(inputs), payload, _key(inputs.get("key")), str(inputs.get("algorithm"))
    )
    return members({"token": hidden(token.reveal())})


async def _verify(stage: Stage, act: Act) -> Bound:
    inputs = given(act)
    text = str(inputs.get("token"))
    token = read_token(text)
    key, algorithm = _key(inputs.get("key")), str(inputs.get("algorithm"))
    await stage.world.signer.verify(Sensitive(text.strip()), key, algorithm)
    check_claims(token, inputs, stage.world.clock.now().timestamp())
    told = step_into(act.inputs, "token")
    veiled = told is not None and is_masked(told.view)
    value: Value = {"payload": token.payload, "header": token.header}
    return Bound(value, {"payload": MASK, "header": MASK} if veiled else value)


def _key(told: Value) -> Sensitive:
    """Return a key as a text: one in JSON may be given as an object. Raises CardFailure."""
    match told:
        case str() if told.strip():
            return Sensitive(told)
        case dict():
            return Sensitive(json.dumps(told))
        case _:
            raise _no_key()


def _no_key() -> CardFailure:
    return wrong_input("key", "must be a text, or a key or a set of keys as an object")


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {"jwt.sign": _sign, "jwt.verify": _verify}
)
