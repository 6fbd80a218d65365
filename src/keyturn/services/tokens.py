"""Tokens of 256 random bits, and the hashes by which they are recognised."""

import base64
import hashlib
from datetime import timedelta

from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import World


def new_token(world: World, kind: str) -> Sensitive:
    """Make 256 random bits that a leak scanner recognises by their prefix."""
    random = base64.urlsafe_b64encode(world.chance.random_bytes(32)).rstrip(b"=").decode()
    return Sensitive(f"kt_{kind}_{random}")


def token_hash(token: Sensitive) -> bytes:
    """Hash a token of 256 random bits; a slow hash would add nothing."""
    return hashlib.sha256(token.reveal().encode()).digest()


def seconds(count: int) -> timedelta:
    """Return a length of time."""
    return timedelta(seconds=count)
