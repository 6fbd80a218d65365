"""Okta over HTTPS: the adapter behind `services.ports.OktaOrgs`.

`orgs` opens orgs, `org` makes the calls of one, `line` carries a call when `governor` lets it go,
`answers` and `shapes` read what came back. Decides nothing about turns.
"""

from keyturn.adapters.okta.governor import Governor
from keyturn.adapters.okta.orgs import OktaHttpOrgs

__all__ = ["Governor", "OktaHttpOrgs"]
