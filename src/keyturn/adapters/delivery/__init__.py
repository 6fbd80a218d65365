"""Other stores, and how secrets are brought to them: the adapter behind `services.ports.Carriers`.

`carriers` picks the one for a kind; each of `file`, `webhook`, `vault`, `github`, `kubernetes` and
`aws` knows one store; `calls` makes HTTP calls and says what an answer means. `notifier` brings
people what is told them, by `mail`, or as `chats` and `webhook` have it. Decides nothing about what
is due, or when it is tried again.
"""

from keyturn.adapters.delivery.calls import CALL_LIMIT_S
from keyturn.adapters.delivery.carriers import KindCarriers
from keyturn.adapters.delivery.notifier import ChannelNotifier

__all__ = ["CALL_LIMIT_S", "ChannelNotifier", "KindCarriers"]
