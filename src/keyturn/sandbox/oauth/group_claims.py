"""The groups of a person, in what is told of them."""

from collections.abc import Iterable, Sequence

from keyturn.sandbox.http import Json
from keyturn.sandbox.oauth.issuers import Issuer
from keyturn.sandbox.state.claims import GroupsClaim, Place
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App


def claims_of(
    issuer: Issuer, app: App, scopes: Iterable[str], place: Place
) -> Sequence[GroupsClaim]:
    """Return the claims that count: at the org's own server the app's, for the scope `groups`."""
    if issuer.server is not None:
        return [each.claim for each in issuer.server.claims if each.is_told(place, scopes)]
    wanted = place != "access_token" and "groups" in scopes
    return [app.groups_claim] if wanted and app.groups_claim else []


def tell_groups(org: Org, user_id: str, claims: Sequence[GroupsClaim]) -> dict[str, Json]:
    """Return what claims tell of somebody; one that names none of their groups is left out."""
    names = [each.name for each in org.groups.list() if user_id in each.users] if claims else []
    told = {claim.name: claim.told(names) for claim in claims}
    return {name: [*found] for name, found in told.items() if found}
