"""Certificates that a client shows, and how they get into a TLS context.

Decides what is one: a chain in PEM whose first certificate is that of the private key beside it.
Whether a server takes it is the server's matter.
"""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificates

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.expiry import Life
from keyturn.domain.sensitive import Sensitive

PASSWORD_BYTES = 32


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate, those that vouch for it, and its private key."""

    chain: tuple[Certificate, ...]
    key: PrivateKeyTypes = field(repr=False)

    @property
    def life(self) -> Life:
        """Return from when until when it is good: as long as those that vouch for it are."""
        begins = (each.not_valid_before_utc for each in self.chain)
        ends = (each.not_valid_after_utc for each in self.chain)
        return Life(max(begins), min(ends))

    def show_in(self, context: ssl.SSLContext) -> None:
        """Have connections of this context show it.

        Python's contexts read files alone. The key is there under a password that is forgotten, so
        that nothing readable is left where the process ends in between.
        """
        password = os.urandom(PASSWORD_BYTES).hex()
        with TemporaryDirectory() as folder:
            file = Path(folder, "client.pem")
            file.write_bytes(self._sealed(password.encode()))
            context.load_cert_chain(file, password=password)

    def _sealed(self, password: bytes) -> bytes:
        key = self.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
        )
        return key + b"".join(each.public_bytes(Encoding.PEM) for each in self.chain)


def parse_certificate(pem: Sensitive) -> ClientCertificate:
    """Parse a certificate and its private key, which has no password. Raises InvalidInput."""
    text = pem.reveal().encode(errors="replace")
    try:
        key = load_pem_private_key(text, None)
        chain = tuple(load_pem_x509_certificates(text))
        if chain[0].public_key() == key.public_key():
            return ClientCertificate(chain, key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    rule = "must be a certificate in PEM, and the private key that it is of, without a password"
    raise InvalidInput(FieldProblem(("certificate",), rule)) from None
