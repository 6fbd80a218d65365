"""Why a turn stands still, and who must do what.

Decides nothing: `steps` and `failures` stop a turn, and people read here what leads out.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a turn is blocked, and in the value: who must do what."""

    FOREIGN_SECRET = (
        "A credential that Keyturn neither made nor adopted takes the room at Okta; it is not "
        "touched without its owner's word. The app's owner must choose: serve, remove or retire it."
    )
    APP_GONE = "Okta does not know the app. Its administrator must restore it or end the rotation."
    APP_INACTIVE = "The app is deactivated at Okta. Its administrator must activate it."
    NO_SECRET_USED = (
        "The app no longer authenticates with the kind of credential that is turned. "
        "Its administrator must set that back or end the rotation."
    )
    ACCESS_REFUSED = (
        "Okta refuses Keyturn's own access. An Okta administrator must renew the connection's "
        "credentials or give them back the rights they lost."
    )
    CONNECTION_CHANGED = (
        "Another credential is in use than this turn's: somebody has given the connection "
        "another, or a backup was restored. The Keyturn operator must abort the turn (`keyturn "
        "turn abort`), and may then turn the one in use."
    )
    KEY_CHANGE_REFUSED = (
        "Okta refuses to change a key of the app. Where the app holds Okta scopes, only a super "
        "administrator may: assign that role to Keyturn's service app and turn again, or have one "
        "change the key in Okta's admin console. Keyturn goes on with the key that it has."
    )
    CALL_REFUSED = "Okta refuses the call. The Keyturn operator must read Okta's reason."
    VALUE_NOT_KEPT = (
        "Okta answered with another value than it was given. The Keyturn operator must look at "
        "the app's credentials before anything else is done."
    )
    NEW_SECRET_LOST = (
        "Somebody has deleted the new credential at Okta, or put another value in its place: "
        "readers are given one that Okta refuses. The Keyturn operator must have the old one "
        "served again (`keyturn turn abort`), or issue another (`keyturn rotation turn`)."
    )
    NEW_SECRET_OFF = (
        "Somebody has deactivated the new credential at Okta: readers are given one that Okta "
        "refuses. The app's owner must activate it, and the operator resume the turn (`keyturn "
        "turn resume`); or the operator has the old one served again (`keyturn turn abort`)."
    )
    NEW_SECRET_REFUSED = (
        "Okta does not accept the new credential, and no other is ACTIVE to fall back on. "
        "The app's owner must look at how the app authenticates."
    )
    NEW_SECRET_ONLY = (
        "The new credential is the app's only ACTIVE one, so it is not taken back: Okta would "
        "accept none. The app's owner must activate or add another, and the operator resume the "
        "turn (`keyturn turn resume`); or the operator has this one served (`keyturn rotation "
        "turn`)."
    )
    ADOPTED_REFUSED = (
        "Okta does not accept the credential that was to be adopted; readers are given the one "
        "before. Its owner must have it accepted, and the operator resume the turn (`keyturn turn "
        "resume`); or the operator leaves it (`keyturn turn abort`)."
    )
    OLD_SECRET_CHANGED = (
        "Somebody activated the old credential again while it was soaking. The app's owner must "
        "say whether it is still in use: `keyturn turn reinstate` lets it work on, and "
        "`keyturn turn finish-now` retires it again after that."
    )
    OLD_SECRET_GONE = (
        "The old credential is to be reinstated, and Okta does not have it any more. "
        "Whoever still uses it must take the new one; then `keyturn turn finish-now` ends the turn."
    )
    OLD_SECRET_USED = (
        "The old credential had to be reinstated and is still in use. "
        "Its users must take the new one, or the app's owner must say that the turn may finish: "
        "`keyturn turn finish-now`, or with `--at-once` where it is used all the same."
    )


LOST = frozenset({Reason.NEW_SECRET_LOST, Reason.NEW_SECRET_OFF})
"""The reasons for which readers are given what Okta refuses."""
