"""Whether Okta accepts a client's credential, asked without spending anything.

Decides how an app's own method carries it. Introspection needs the client's authentication
and calls a token that nobody issued inactive (RFC 7662, section 2), so the answer tells of the
credential alone. Source: inference from Okta's reference, confirmed on no live org yet.
"""

import base64
from dataclasses import replace
from urllib.parse import quote_plus

from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.shapes import Garbled, find_member
from keyturn.domain.errors import OktaAnswer, Refused
from keyturn.domain.ids import ClientId
from keyturn.domain.okta import AuthMethod, Probe
from keyturn.domain.okta_paths import INTROSPECT_PATH
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.assertions import Assertions
from keyturn.jose.keys import parse_signing_key

JUNK = {"token": "keyturn-probe", "token_type_hint": "access_token"}


def probe_call(
    client_id: ClientId, value: Sensitive, method: AuthMethod, assertions: Assertions
) -> Call:
    """Return the call that authenticates as the app.

    ``assertions`` are addressed to the introspection endpoint: Okta's guide to client
    authentication wants the endpoint that is called.
    ``value`` is a client secret or a private key. Raises Refused for a method without either.
    """
    noun = "client key" if method is AuthMethod.PRIVATE_KEY_JWT else "client secret"
    call = Call(f"probe a {noun}", "POST", INTROSPECT_PATH, client_id, hidden=(value,))
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
        case AuthMethod.PRIVATE_KEY_JWT:
            signing = parse_signing_key(value)
            members = {"client_id": client_id, **assertions.by_key(client_id, signing)}
            hidden = (value, Sensitive(members["client_assertion"]))
            return replace(call, hidden=hidden).with_form({**JUNK, **members})
        case _:
            raise Refused(f"An app that uses {method} has no credential to probe.")


def read_probe(answer: Answer) -> Probe:
    """Read what the answer says of the credential. Raises OktaError where it says nothing."""
    error = answer.find_error()
    if answer.status == 401 and error and _blames_the_credential(error):
        return Probe.REJECTED
    return answer.accept(200).parse(_parse_inactive)


def _blames_the_credential(error: OktaAnswer) -> bool:
    """Tell a wrong credential from a wrong assertion: only signature and key depend on it."""
    of_credential = any(word in error.summary for word in ("signature", "kid", "JWKSet"))
    about_assertion = "client_assertion" in error.summary and not of_credential
    return error.code == "invalid_client" and not about_assertion


def _parse_inactive(data: object) -> Probe:
    if find_member(data, "active") is not False:
        raise Garbled("the answer does not call a token inactive that nobody issued")
    return Probe.ACCEPTED


def _basic(client_id: str, value: Sensitive) -> str:
    """Encode both parts as a form before joining them (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(value.reveal())}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
