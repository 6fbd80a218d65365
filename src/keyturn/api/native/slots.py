"""What is in the places at Okta, as it is written on the wire."""

from keyturn.services.slots import Slots
from keyturn.wire import slots as wire


def slots_answer(found: Slots) -> wire.SlotsAnswer:
    """Render what is in the places at Okta."""
    return wire.SlotsAnswer(
        slots=tuple(
            wire.Slot(
                okta_id=each.okta_id,
                hash=each.hash,
                status=each.status,
                created_at=each.created_at,
                version=each.version,
                state=each.state,
                served_from=each.served_from,
                served_to=each.served_to,
                retires_at=each.retires_at,
                deletes_at=each.deletes_at,
            )
            for each in found.slots
        ),
        most=found.rotation.kind.rules.most,
        checked_at=found.checked_at,
    )
