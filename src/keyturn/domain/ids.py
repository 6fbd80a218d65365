"""Types for identifiers, so that swapped arguments fail in the type checker."""

from typing import NewType

OrganizationId = NewType("OrganizationId", str)
ProjectId = NewType("ProjectId", str)
EnvironmentId = NewType("EnvironmentId", str)
FolderId = NewType("FolderId", str)
SecretId = NewType("SecretId", str)
VersionNo = NewType("VersionNo", int)
IdentityId = NewType("IdentityId", str)
TagId = NewType("TagId", str)
ImportId = NewType("ImportId", str)
ConnectionId = NewType("ConnectionId", str)
DestinationId = NewType("DestinationId", str)
RegistrationId = NewType("RegistrationId", str)
ConsumerId = NewType("ConsumerId", str)
AliasId = NewType("AliasId", str)
OAuthConnectionId = NewType("OAuthConnectionId", str)
"""Of a connection made by OAuth; `ConnectionId` is that of Keyturn's own access to an org."""
NoticeId = NewType("NoticeId", str)
ChannelId = NewType("ChannelId", str)
FlowId = NewType("FlowId", str)
RunId = NewType("RunId", str)
TableId = NewType("TableId", str)
RowId = NewType("RowId", str)
RotationId = NewType("RotationId", str)
TurnId = NewType("TurnId", str)
RolloutId = NewType("RolloutId", str)
CompliancePolicyId = NewType("CompliancePolicyId", str)
PolicyExceptionId = NewType("PolicyExceptionId", str)
ReportId = NewType("ReportId", str)
LeakId = NewType("LeakId", str)

AppId = NewType("AppId", str)
"""Okta's id of an app instance (``0oa…``); not always its client id."""
ClientId = NewType("ClientId", str)
"""The OAuth ``client_id`` of an app."""
CredentialId = NewType("CredentialId", str)
"""Okta's id of one client secret (``ocs…``) or client key (``pks…``)."""
SecretHash = NewType("SecretHash", str)
"""By what a credential is recognised, a safe label for generated values.

Okta's ``secret_hash`` of a client secret (22 characters), the thumbprint of a client key (43).
"""
