"""Issuers of JWTs over HTTPS: the adapter behind `services.ports.Issuers`.

Fetches and keeps their keys. Decides nothing about claims.
"""

from keyturn.adapters.oidc.issuers import HttpIssuers

__all__ = ["HttpIssuers"]
