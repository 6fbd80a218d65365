"""The hash by which Okta lets one recognise a client secret, against values Okta has published."""

from collections.abc import Callable

import pytest
from okta_spec import management
from sandbox_kit import World

from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.records import hash_secret

# From the guide on client secret rotation (2022; the second value was given by the caller).
PUBLISHED = [
    ("3ZIqRCzmjcdNPK2Y29x1qSkI5NRHji_eGIm4aKtI", "jMur1qOhMw_MtC9aQo7YEg"),
    ("D0HxBn1FtTXeYC4cSBwWL_sPMztMT2t6Ei9n1QjO", "tI4z6TbSw5YYd8RtcClaEw"),
    ("7U_MTFeIoRVHtPTcb4MY0gESLLisXfNRbbob1Quo", "cfQjsGNDYEn5e3rqJME_jQ"),
]


def examples() -> list[tuple[str, str]]:
    """Return the pairs in the document's examples whose secret is whole."""
    pairs = [(one.get("client_secret"), one.get("secret_hash")) for one in management().examples()]
    return [(str(a), str(b)) for a, b in pairs if a and b and not set(".*") & set(a)]


def test_the_document_shows_a_pair() -> None:
    """One example is whole; in the others the secret is shortened or masked."""
    assert len(examples()) == 1


@pytest.mark.parametrize(("value", "expected"), [*PUBLISHED, *examples()])
@pytest.mark.parametrize(
    "compute", [hash_secret, lambda value: secret_hash(Sensitive(value))], ids=["sandbox", "domain"]
)
def test_published_hash(compute: Callable[[str], str], value: str, expected: str) -> None:
    """Sandbox and product each compute, by code of their own, what Okta showed."""
    assert compute(value) == expected


@pytest.mark.parametrize(("value", "expected"), PUBLISHED)
async def test_hash_of_an_own_value(world: World, value: str, expected: str) -> None:
    """A caller's value gets the published hash, on creation and when read again."""
    made = (await world.admin("POST", world.secrets_path, {"client_secret": value})).json()
    read = (await world.admin("GET", f"{world.secrets_path}/{made['id']}")).json()
    assert (made["secret_hash"], read["secret_hash"]) == (expected, expected)
