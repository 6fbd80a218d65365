"""What the database says, in our words.

Decides which of our errors a refusal of the database is. No text of a statement and no value gets
into a message.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from keyturn.adapters.storage.tables import TAKEN
from keyturn.domain.errors import KeyturnError, OursError, Taken

_ONCE = "UNIQUE constraint failed: "


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise Taken or OursError in place of what the database raises."""
    try:
        yield
    except IntegrityError as error:
        raise _refusal(str(error.orig)) from error
    except DBAPIError as error:
        told = f"The database failed ({error.orig}): look at its disk and its free space."
        raise OursError(told) from error


def _refusal(told: str) -> KeyturnError:
    if told.startswith(_ONCE):
        return Taken(TAKEN.get(told.removeprefix(_ONCE), "Another record has this id."))
    if told.startswith("FOREIGN KEY"):
        return OursError("A record would refer to one that is not there.")
    return OursError(f"A record does not fit its table ({told}).")
