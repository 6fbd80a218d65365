"""Keyturn turns the OAuth 2.0 client secrets of Okta applications, and nothing that uses them fails."""

__version__ = "0.1.0"
