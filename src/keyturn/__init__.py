"""Keyturn turns the client secrets of Okta applications, and nothing that uses them fails."""

__version__ = "0.1.0"
