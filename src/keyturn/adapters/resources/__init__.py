"""Services that flows ask, over HTTP: the adapter behind `services.ports.ResourceServers`.

Sends one request and returns what came. What is asked, and what an answer means, `services.cards`
decides.
"""

from keyturn.adapters.resources.servers import HttpResourceServers

__all__ = ["HttpResourceServers"]
