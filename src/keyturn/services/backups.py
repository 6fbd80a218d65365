"""What a backup holds: the root key in its first piece, the rows of every table in the others.

Decides what a whole one is, and what the audit log tells of it. Knows nothing of files or keys.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from keyturn.domain.audit import BACKED_UP, Attempt
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.services.root_key import OPERATOR

Rows = list[dict[str, object]]


def render_key(root_key: bytes) -> bytes:
    """Render the first piece."""
    return json.dumps({"rootKey": base64.b64encode(root_key).decode()}).encode()


def render_rows(table: str, rows: Rows) -> bytes:
    """Render some rows of a table."""
    return json.dumps({"table": table, "rows": rows}).encode()


def parse_rows(pieces: Iterator[bytes]) -> Iterator[tuple[str, Rows]]:
    """Return each table's rows, some at a time, from all the pieces of a backup."""
    for piece in pieces:
        told = json.loads(piece)
        if "table" in told:
            yield told["table"], told["rows"]


def verify_pieces(pieces: Iterator[bytes], counts: Mapping[str, int]) -> bytes:
    """Return the root key, once every piece was read and every table has its count of rows.

    Raises InvalidInput, and whatever opening a piece raises.
    """
    try:
        root_key = base64.b64decode(json.loads(next(pieces, b"{}"))["rootKey"], validate=True)
    except (KeyError, binascii.Error):
        raise InvalidInput(FieldProblem(("backup",), "has no root key in it")) from None
    found = Counter[str]()
    for table, rows in parse_rows(pieces):
        found[table] += len(rows)
    if found != Counter(counts):
        raise InvalidInput(FieldProblem(("backup",), "does not hold the records that it names"))
    return root_key


def backed_up(at: datetime, file: str) -> Attempt:
    """Tell that everything is about to be written to a backup."""
    return Attempt(at, OPERATOR, BACKED_UP, f"backup {file}", allowed=True)


def restored(at: datetime, file: str, made: str) -> Attempt:
    """Tell that everything before this entry came from a backup."""
    told = f"made {made}"
    return Attempt(at, OPERATOR, "backup:restore", f"backup {file}", allowed=True, detail=told)
