"""The places that Okta has for an app's credentials, and what is in them (ours)."""

from keyturn.wire.base import Instant, Wire


class Slot(Wire):
    """One credential at Okta, by Okta's id and hash; ``version`` is ours that it is, if it is.

    ``status`` is Okta's, ACTIVE or INACTIVE: by its list where it was asked, or else as it was told
    last; null for what its list does not show. ``servedFrom`` and ``servedTo`` are since and until
    when readers are given it, ``retiresAt`` when a turn deactivates it at the latest,
    ``deletesAt`` when one deletes it. No value is told.
    """

    okta_id: str | None
    hash: str
    status: str | None
    created_at: Instant | None
    version: int | None
    state: str | None
    served_from: Instant | None
    served_to: Instant | None
    retires_at: Instant | None
    deletes_at: Instant | None


class SlotsAnswer(Wire):
    """What is in the places; ``most`` is how many there are, ``checkedAt`` when Okta was asked."""

    slots: tuple[Slot, ...]
    most: int
    checked_at: Instant | None
