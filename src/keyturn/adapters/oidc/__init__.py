"""Issuers of JWTs over HTTPS: the adapter behind `services.ports.Issuers`.

`issuers` fetches and keeps keys, `keys` reads them and proves signatures. Decides nothing about
claims.
"""

from keyturn.adapters.oidc.issuers import HttpIssuers

__all__ = ["HttpIssuers"]
