"""OAuth 2.0 and OpenID Connect: who a client is, what it is granted, how tokens are made."""
