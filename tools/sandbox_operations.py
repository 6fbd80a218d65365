"""List what the sandbox answers: Okta's operations, further ones, and its control port's.

Usage: sandbox_operations.py [PAGE]

Without PAGE the tables are printed; with it the tables in that page are brought up to date.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast

import yaml

from keyturn.sandbox.controls import CONTROL_OPERATIONS
from keyturn.sandbox.routes import ROUTER, ROUTES

DOCUMENTS = Path(__file__).parents[1] / "tests" / "okta_openapi"
METHODS = ("get", "post", "put", "patch", "delete")
BLOCK = re.compile(r"<!-- (\w+): begin -->\n.*?<!-- \1: end -->", re.DOTALL)

DIRECT = "log-in without a browser is not emulated beyond `/api/v1/authn`"
CLIENTS = "an app is made, changed and deleted at `/api/v1/apps`; its client is only read here"
WHY_NOT = {
    DIRECT: (
        "bcAuthorize",
        "bcAuthorizeCustomAS",
        "challenge",
        "challenge-custom-as",
        "oob-authenticate",
        "oob-authenticate-custom-as",
        "primary-authenticate",
        "primary-authenticate-custom-as",
    ),
    CLIENTS: ("createClient", "replaceClient", "deleteClient"),
    "it replaces a client secret without an overlap; nothing should call it": (
        "generateNewClientSecret",
    ),
    "Universal Logout is not emulated": ("globalTokenRevocation",),
}
REASONS = {operation: why for why, operations in WHY_NOT.items() for operation in operations}


class Row(NamedTuple):
    """One operation of a document."""

    document: str
    operation: str
    method: str
    path: str

    def there(self) -> bool:
        """Tell whether the sandbox has a route for it."""
        return (self.method, _unnamed(self.path)) in _ROUTED

    def known(self) -> bool:
        """Tell whether the sandbox has its path, if for other methods."""
        return ROUTER.match(self.method, self.path).pattern is not None


@cache
def rows() -> tuple[Row, ...]:
    """Return the operations of both documents, in their order."""
    return tuple(_read())


def _read() -> Iterator[Row]:
    for name in ("rotation-subset.yaml", "oauth.yaml"):
        with (DOCUMENTS / name).open(encoding="utf-8") as file:
            document = yaml.load(file, yaml.CSafeLoader)
        for path, item in cast("dict[str, dict[str, dict[str, str]]]", document["paths"]).items():
            for method in METHODS:
                if method in item:
                    yield Row(name, item[method]["operationId"], method.upper(), path)


def unexplained() -> list[str]:
    """Name the operations that are neither there nor explained, and reasons without a need."""
    missing = {row.operation for row in rows() if not row.there()}
    return sorted(missing ^ REASONS.keys())


def operations() -> list[str]:
    """Render both documents' operations as a Markdown table."""
    lines = [f"| {row.operation} | `{row.method} {row.path}` | {said(row)} |" for row in rows()]
    return ["| operation | call | in the sandbox |", "| --- | --- | --- |", *lines]


def further() -> list[str]:
    """List the calls that are answered and are in neither document."""
    known = {(row.method, _unnamed(row.path)) for row in rows()}
    return [
        f"- `{route.method} {route.pattern}`"
        for route in ROUTES
        if (route.method, _unnamed(route.pattern)) not in known
    ]


def control() -> list[str]:
    """Render the operations of the control port as a Markdown table."""
    lines = [f"| `{one.method} {one.pattern}` | {one.purpose} |" for one in CONTROL_OPERATIONS]
    return ["| call | what it does |", "| --- | --- |", *lines]


TABLES = {"operations": operations, "extra": further, "control": control}


def redrawn(page: str) -> str:
    """Return a page with its tables as the code has them now."""
    return BLOCK.sub(lambda found: _block(found[1]), page)


def _block(name: str) -> str:
    return "\n".join([f"<!-- {name}: begin -->", *TABLES[name](), f"<!-- {name}: end -->"])


def said(row: Row) -> str:
    """Render how the sandbox answers an operation."""
    if row.there():
        return "implemented"
    how = "refused, 405 `E0000022`" if row.known() else "not there, 404 `E0000008`"
    return f"{how}: {REASONS.get(row.operation, 'UNEXPLAINED')}"


def _unnamed(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


_ROUTED = {(route.method, _unnamed(route.pattern)) for route in ROUTES}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        page.write_text(redrawn(page.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print("\n".join(map(_block, TABLES)))
