"""Claims of custom authorization servers: `/api/v1/authorizationServers/{id}/claims`.

Only claims about groups are emulated: others take Okta's expression language.
"""

from collections.abc import Sequence
from typing import TypeVar

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.routes.authorization_servers import COLLECTION, MANAGE, ONE, READ
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.state.claims import (
    CLAIM_TYPES,
    FILTERS,
    GroupsClaim,
    ServerClaim,
    is_filter_value,
)
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.parties import caller_party
from keyturn.sandbox.state.systemlog import Party

CLAIMS = ONE + "/claims"
CLAIM = CLAIMS + "/{claimId}"
STATUSES = ("ACTIVE", "INACTIVE")
W = TypeVar("W", bound=str)


def list_claims(org: Org, call: Call) -> Answer:
    """Answer with a server's claims, but those that each server has."""
    server = org.servers.read(call.params["authServerId"])
    return render_json([_render(call, each) for each in server.claims])


def create_claim(org: Org, call: Call) -> Answer:
    """Add a claim to a server."""
    made = org.servers.store_claim(call.params["authServerId"], _parse(call, ""))
    _tell(org, call, made, "created")
    return render_json(_render(call, made), 201)


def read_claim(org: Org, call: Call) -> Answer:
    """Answer with one claim."""
    return render_json(_render(call, _find(org, call)))


def replace_claim(org: Org, call: Call) -> Answer:
    """Replace a claim."""
    server_id, old = call.params["authServerId"], _find(org, call)
    changed = org.servers.store_claim(server_id, _parse(call, old.id))
    _tell(org, call, changed, "updated")
    return render_json(_render(call, changed))


def delete_claim(org: Org, call: Call) -> Answer:
    """Remove a claim."""
    gone = org.servers.remove_claim(call.params["authServerId"], call.params["claimId"])
    _tell(org, call, gone, "deleted")
    return Answer(204)


def _find(org: Org, call: Call) -> ServerClaim:
    return org.servers.read_claim(call.params["authServerId"], call.params["claimId"])


def _tell(org: Org, call: Call, claim: ServerClaim, step: str) -> None:
    target = Party(claim.id, "OAuth2Claim", claim.claim.name)
    org.tell(f"oauth2.claim.{step}", caller_party(org, call.principal), target)


def _parse(call: Call, claim_id: str) -> ServerClaim:
    body = call.json_object()
    _word(body, "valueType", ("GROUPS",), "EXPRESSION")
    kind = _word(body, "group_filter_type", FILTERS)
    name, value = body.get("name"), body.get("value")
    if not isinstance(name, str) or not name:
        raise errors.left_blank("name")
    if not isinstance(value, str) or not is_filter_value(kind, value):
        raise errors.validation_failed("value", "value: The field is not a valid filter")
    conditions = body.get("conditions")
    scopes = conditions.get("scopes") if isinstance(conditions, dict) else None
    listed = scopes if isinstance(scopes, list) else []
    claim_type = _word(body, "claimType", CLAIM_TYPES)
    return ServerClaim(
        claim_id,
        GroupsClaim(name, kind, value),
        claim_type,
        always=claim_type == "RESOURCE" or body.get("alwaysIncludeInToken") is True,
        scopes=tuple(each for each in listed if isinstance(each, str)),
        active=_word(body, "status", STATUSES, STATUSES[0]) == STATUSES[0],
    )


def _word(body: dict[str, Json], name: str, words: Sequence[W], default: str = "") -> W:
    told = body.get(name, default)
    for word in words:
        if word == told:
            return word
    raise errors.validation_failed(name, f"{name}: Must be one of: {', '.join(words)}")


def _render(call: Call, claim: ServerClaim) -> dict[str, Json]:
    server_id = call.params["authServerId"]
    href = f"{call.request.base_url}{COLLECTION}/{server_id}/claims/{claim.id}"
    return {
        "id": claim.id,
        "name": claim.claim.name,
        "status": STATUSES[not claim.active],
        "claimType": claim.type,
        "valueType": "GROUPS",
        "value": claim.claim.value,
        "group_filter_type": claim.claim.filter,
        "conditions": {"scopes": [*claim.scopes]},
        "system": False,
        "alwaysIncludeInToken": claim.always,
        "_links": {"self": {"href": href, "hints": {"allow": ["GET", "PUT", "DELETE"]}}},
    }


ROUTES = (
    Route("GET", CLAIMS, list_claims, "management", "api", READ),
    Route("POST", CLAIMS, create_claim, "management", "api", MANAGE),
    Route("GET", CLAIM, read_claim, "management", "api", READ),
    Route("PUT", CLAIM, replace_claim, "management", "api", MANAGE),
    Route("DELETE", CLAIM, delete_claim, "management", "api", MANAGE),
)
