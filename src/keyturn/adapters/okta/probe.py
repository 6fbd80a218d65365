"""Whether Okta accepts a client secret, asked without spending anything.

Decides how an app's own method carries its secret. Introspection needs the client's
authentication and calls a token that nobody issued inactive (RFC 7662, section 2), so the answer
tells of the secret alone. Source: inference from Okta's reference, confirmed on no live org yet.
"""

import base64
from dataclasses import replace
from urllib.parse import quote_plus

from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.jose import Assertions
from keyturn.adapters.okta.shapes import Garbled, find_member
from keyturn.domain.errors import OktaAnswer, Refused
from keyturn.domain.ids import ClientId
from keyturn.domain.okta import AuthMethod, Probe
from keyturn.domain.sensitive import Sensitive

INTROSPECT_PATH = "/oauth2/v1/introspect"
JUNK = {"token": "keyturn-probe", "token_type_hint": "access_token"}


def probe_call(
    client_id: ClientId, value: Sensitive, method: AuthMethod, assertions: Assertions
) -> Call:
    """Return the call that authenticates as the app.

    ``assertions`` are addressed to the introspection endpoint: Okta's guide to client
    authentication wants the endpoint that is called.
    Raises Refused for a method without a client secret.
    """
    call = Call("probe a client secret", "POST", INTROSPECT_PATH, client_id, hidden=(value,))
    match method:
        case AuthMethod.CLIENT_SECRET_BASIC:
            return call.with_form(JUNK).with_headers({"Authorization": _basic(client_id, value)})
        case AuthMethod.CLIENT_SECRET_POST:
            members = {"client_id": client_id, "client_secret": value.reveal()}
            return call.with_form({**JUNK, **members})
        case AuthMethod.CLIENT_SECRET_JWT:
            members = {"client_id": client_id, **assertions.by_secret(client_id, value)}
            hidden = (value, Sensitive(members["client_assertion"]))
            return replace(call, hidden=hidden).with_form({**JUNK, **members})
        case _:
            raise Refused(f"An app that uses {method} has no client secret to probe.")


def read_probe(answer: Answer) -> Probe:
    """Read what the answer says of the secret. Raises OktaError where it says nothing."""
    error = answer.find_error()
    if answer.status == 401 and error and _blames_the_secret(error):
        return Probe.REJECTED
    return answer.accept(200).parse(_parse_inactive)


def _blames_the_secret(error: OktaAnswer) -> bool:
    """Tell a wrong secret from a wrong assertion: only its signature depends on the secret."""
    about_assertion = "client_assertion" in error.summary and "signature" not in error.summary
    return error.code == "invalid_client" and not about_assertion


def _parse_inactive(data: object) -> Probe:
    if find_member(data, "active") is not False:
        raise Garbled("the answer does not call a token inactive that nobody issued")
    return Probe.ACCEPTED


def _basic(client_id: str, value: Sensitive) -> str:
    """Encode both parts as a form before joining them (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(value.reveal())}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
