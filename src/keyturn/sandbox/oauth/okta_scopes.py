"""The scopes of Okta's own API: which names exist, nothing of who holds them."""

OPENID = "openid"
_SUBJECTS = (
    "agentPools apiTokens appGrants apps.interclientTrust apps authenticators "
    "authorizationServers behaviors botProtection brands captchas clients "
    "customTelephonyProvider deviceAssurance deviceIntegrations devicePostureChecks devices "
    "directories.groups domains dr emailDomains emailServers eventHooks features groups "
    "identitySources idps inlineHooks linkedObjects logStreams networkZones oauthIntegrations "
    "orgs personal.adminSettings policies principalRateLimits profileMappings pushProviders "
    "rateLimits realmAssignments realms roles schemas securityEventsProviders "
    "serviceAccounts.okta serviceAccounts sessions templates threatInsights trustedOrigins "
    "uischemas userRisk userTypes users"
)
_PAIRS = {f"okta.{subject}.{verb}" for subject in _SUBJECTS.split() for verb in ("manage", "read")}
_SINGLE = {
    OPENID,
    "okta.logs.read",
    "okta.users.manage.self",
    "okta.users.read.self",
    "okta.workflows.invoke.manage",
    "ssf.manage",
    "ssf.read",
}
GRANTABLE: frozenset[str] = frozenset(_PAIRS | _SINGLE)
