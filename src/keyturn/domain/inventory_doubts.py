"""What of an org's answers is not believed, and who has to do what about it.

Decides by counts alone, and knows nothing of calls.
"""

from keyturn.domain.inventory import LONGEST_TRUST, Inventory

_AGAIN = (
    "Nothing was marked as gone. Whoever administers the org must have the connection's "
    "administrator role, and the resource set that it is for, take in every app; then read the "
    "inventory again."
)


def doubt(
    inventory: Inventory, *, own: str = "", own_listed: bool = True, missing: bool = False
) -> str:
    """Say why a list that Okta has given as a whole is not to be believed, or nothing.

    ``own`` is the client id that the connection logs in as, where it is a service app: what does
    not show that app does not show all. ``missing`` is whether apps that were known are not in it.
    """
    if own and not own_listed:
        return (
            f"Okta's list of apps lacks the service app {own} that the connection itself logs in "
            f"as: it is not whole. {_AGAIN}"
        )
    if not inventory.listed and (missing or not inventory.others):
        before = ", and it has listed some before" if missing else ""
        return f"Okta's list of apps is empty{before}. {_AGAIN}"
    return ""


def left_out(app_id: str) -> str:
    """Say why a list is not to be believed that lacks an app of which nobody says it is gone."""
    return (
        f"Okta's list of apps lacks app {app_id}, and asked for that app Okta does not say that "
        f"there is none: the list is not whole. {_AGAIN}"
    )


def own_unseen(own: str) -> str:
    """Say why a silent log is not to be believed: the connection's own app is not to be seen."""
    return (
        f"Okta does not show the service app {own} that the connection itself logs in as, so what "
        f"happens to others may not be seen either. {_AGAIN}"
    )


def list_closed(why: str) -> str:
    """Say what follows where Okta refuses the list of apps."""
    return (
        f"{why.rstrip('.')}. Nothing was marked as gone. Whoever administers the org must give the "
        "connection the scope okta.apps.read and an administrator role for every app; then read "
        "the inventory again."
    )


def log_closed(why: str) -> str:
    """Say what follows where Okta's log cannot be read."""
    return (
        f"{why.rstrip('.')}. Without its System Log Okta does not tell which apps have changed: "
        f"all are read again once in {LONGEST_TRUST.days} days. Let the connection read the log "
        "(okta.logs.read)."
    )
