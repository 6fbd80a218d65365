"""OAuth authorization servers over HTTPS: the adapter behind `services.ports.AuthorizationServers`.

Writes requests, sends them and returns what came. What an answer means, `domain.oauth` decides.
"""

from keyturn.adapters.oauth.sending import Transports
from keyturn.adapters.oauth.servers import CALL_LIMIT_S, HttpAuthorizationServers

__all__ = ["CALL_LIMIT_S", "HttpAuthorizationServers", "Transports"]
