"""A client's certificate gets into a TLS context, and its key nowhere else."""

import ssl
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificates
from echo_kit import pem, shown
from issuer_kit import EC_KEY, OTHER_KEY, RSA_KEY

from keyturn.domain.errors import InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.network.certificates import parse_certificate


class Looking(ssl.SSLContext):
    """A context that keeps what it was given to read."""

    def load_cert_chain(
        self, certfile: object, keyfile: object = None, password: object = None
    ) -> None:
        """Look."""
        self.file = Path(str(certfile))
        self.text = self.file.read_text()
        self.folder_mode = self.file.parent.stat().st_mode & 0o777


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["EC", "RSA"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_certificate_and_its_key_in_either_order(key: object, backwards: bool) -> None:  # noqa: FBT001  a parameter
    """Chain first or key first: OpenSSL takes it."""
    chain, begin, rest = shown(key).partition("-----BEGIN PRIVATE KEY-----")  # type: ignore[arg-type]  # a key
    text = begin + rest + chain if backwards else chain + begin + rest
    found = parse_certificate(Sensitive(text))
    found.show_in(ssl.create_default_context())
    assert rest.strip().splitlines()[0] not in repr(found)


def test_the_key_is_never_readable_on_disk() -> None:
    """The file that OpenSSL reads is sealed, in a folder of its owner's, and gone at once."""
    context = Looking(ssl.PROTOCOL_TLS_CLIENT)
    parse_certificate(Sensitive(shown(EC_KEY))).show_in(context)
    assert "ENCRYPTED PRIVATE KEY" in context.text
    assert pem(EC_KEY).splitlines()[1] not in context.text
    assert context.folder_mode == 0o700
    assert not context.file.exists()


def test_those_that_vouch_for_it_go_along() -> None:
    """A chain is shown whole, the client's own certificate first."""
    found = parse_certificate(Sensitive(shown(EC_KEY, "own") + shown(OTHER_KEY, "above")))
    context = Looking(ssl.PROTOCOL_TLS_CLIENT)
    found.show_in(context)
    assert [each.subject.rfc4514_string() for each in found.chain] == ["CN=own", "CN=above"]
    assert len(load_pem_x509_certificates(context.text.encode())) == 2


CERTIFICATE = shown(EC_KEY).removesuffix(pem(EC_KEY))


@pytest.mark.parametrize(
    "text",
    ["", "x", CERTIFICATE, pem(EC_KEY), CERTIFICATE + pem(OTHER_KEY), "\ud800", "a\0b"],
    ids=["nothing", "junk", "no key", "no certificate", "another's key", "half", "zero"],
)
def test_anything_else_is_refused(text: str) -> None:
    """The error says what is wanted, and nothing of what came."""
    with pytest.raises(
        InvalidInput, match=r"^certificate: must be a certificate in PEM, and the"
    ) as caught:
        parse_certificate(Sensitive(text))
    assert pem(EC_KEY).splitlines()[1] not in str(caught.value)
