"""Pushed authorization requests (RFC 9126): sent ahead by the client, used once by a browser."""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, render_json
from keyturn.sandbox.oauth.asking import check_request, read_target
from keyturn.sandbox.oauth.client_auth import authenticate
from keyturn.sandbox.oauth.issuers import endpoint, issuer_of
from keyturn.sandbox.routes.authorize import KEPT_FIELDS
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.interactions import PUSHED_LIFETIME, PushedRequest
from keyturn.sandbox.state.org import Org


def push_request(org: Org, call: Call) -> Answer:
    """Check a request as the authorization endpoint would, keep it, and answer with its URI."""
    issuer, app = issuer_of(org, call), authenticate(org, call)
    form = call.request.form()
    if "request_uri" in form:
        raise errors.invalid_request(
            "The 'request_uri' parameter must not be present in the request."
        )
    fields = {name: form[name] for name in KEPT_FIELDS if name in form}
    fields["client_id"] = app.client_id
    read_target(org, fields)
    check_request(issuer, app, fields)
    pushed = PushedRequest(
        uri="urn:okta:" + org.mint.issue_token(),
        client_id=app.client_id,
        server=issuer.id,
        fields=fields,
        expires_at=org.now() + PUSHED_LIFETIME,
    )
    org.interactions.push(pushed)
    lifetime_s = int(PUSHED_LIFETIME.total_seconds())
    return render_json({"request_uri": pushed.uri, "expires_in": lifetime_s})


ROUTES = (*endpoint("POST", "par", push_request),)
