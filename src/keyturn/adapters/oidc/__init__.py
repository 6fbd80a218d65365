"""Keys that others publish, over HTTPS: the adapter behind `services.ports.Issuers` and `Scanners`.

Fetches and keeps them. Decides nothing about claims, nor about what was found.
"""

from keyturn.adapters.oidc.issuers import HttpIssuers
from keyturn.adapters.oidc.scanners import GitHubScanner

__all__ = ["GitHubScanner", "HttpIssuers"]
