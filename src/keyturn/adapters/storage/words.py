"""What the database says, in our words.

Decides which of our errors a refusal of the database is. No text of a statement and no value gets
into a message; PostgreSQL's own texts carry values, so they are not told on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection

from keyturn.adapters.storage.indexes import TAKEN
from keyturn.domain.errors import DatabaseAway, KeyturnError, OursError, Taken

_ONCE = "UNIQUE constraint failed: "
_UNIQUE, _REFERENCE = "23505", "23503"


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise Taken, OursError or DatabaseAway in place of what the database raises."""
    try:
        yield
    except IntegrityError as error:
        raise _refusal(error) from None
    except DBAPIError as error:
        raise DatabaseAway(_failure(error)) from None
    except NoConnection:
        raise DatabaseAway("All connections to the database are taken, and none comes free.") from (
            None
        )


def _refusal(error: IntegrityError) -> KeyturnError:
    told, code = str(error.orig), sqlstate(error)
    if told.startswith(_ONCE) or code == _UNIQUE:
        rule = _constraint(error) if code else told.removeprefix(_ONCE)
        return Taken(TAKEN.get(rule, "Another record has this id."))
    if told.startswith("FOREIGN KEY") or code == _REFERENCE:
        return OursError("A record would refer to one that is not there.")
    return OursError(f"A record does not fit its table ({code or told}).")


def _failure(error: DBAPIError) -> str:
    """Tell SQLite's words, which carry no value; of PostgreSQL the code, or that it is away."""
    code = sqlstate(error)
    if code is None and type(error.orig).__module__.startswith("sqlite3"):
        return f"The database failed ({error.orig}): look at its disk and its free space."
    told = f"SQLSTATE {code}" if code else "no connection"
    return f"The database failed ({told}): look at it, at its disk and at the network."


def sqlstate(error: DBAPIError) -> str | None:
    """Return PostgreSQL's code of an error, where it has one (its manual, appendix A)."""
    code = getattr(error.orig, "sqlstate", None)
    return code if isinstance(code, str) else None


def _constraint(error: IntegrityError) -> str:
    return str(getattr(getattr(error.orig, "diag", None), "constraint_name", ""))
