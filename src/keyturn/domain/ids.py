"""Types for identifiers, so that swapped arguments fail in the type checker."""

from typing import NewType

OrganizationId = NewType("OrganizationId", str)
ProjectId = NewType("ProjectId", str)
EnvironmentId = NewType("EnvironmentId", str)
FolderId = NewType("FolderId", str)
SecretId = NewType("SecretId", str)
VersionNo = NewType("VersionNo", int)
IdentityId = NewType("IdentityId", str)
ConnectionId = NewType("ConnectionId", str)
RotationId = NewType("RotationId", str)
TurnId = NewType("TurnId", str)

AppId = NewType("AppId", str)
"""Okta's id of an app instance (``0oa…``); not always its client id."""
ClientId = NewType("ClientId", str)
"""The OAuth ``client_id`` of an app."""
OktaSecretId = NewType("OktaSecretId", str)
"""Okta's id of one client secret (``ocs…``)."""
SecretHash = NewType("SecretHash", str)
"""Okta's ``secret_hash`` of a client secret: 22 characters, a safe label for generated values."""
