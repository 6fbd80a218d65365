"""What may be asked of identities, their client secrets and their tokens.

Each rule returns what it was given, in its one spelling, or raises InvalidInput naming the field as
Infisical's clients spell it. The bounds are those of Infisical's own create bodies.
"""

from collections.abc import Sequence
from ipaddress import ip_network

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.identity import Lockout, TokenRules

NAME_MAX = 64
NETWORKS_MAX = 50
TTL_MAX_S = 315_360_000
USES_MAX = 2**31 - 1
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
LOCKOUT_MAX = 30
LOCKOUT_S = (30, 86_400)
FORGETS_S = (5, 3600)


def checked_name(text: str) -> str:
    """Return the name of an identity: 1 to 64 characters on one line."""
    name = text.strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise _invalid("name", f"must be 1 to {NAME_MAX} characters on one line")
    return name


def checked_tokens(rules: TokenRules) -> TokenRules:
    """Return the rules for tokens, with their networks in one spelling."""
    ttl_s, max_ttl_s = rules.ttl_s, rules.max_ttl_s
    _require("accessTokenTTL", ttl_s, 1, TTL_MAX_S)
    _require("accessTokenMaxTTL", max_ttl_s, 1, TTL_MAX_S)
    _require("accessTokenNumUsesLimit", rules.uses, 0, USES_MAX)
    if ttl_s > max_ttl_s:
        raise _invalid("accessTokenTTL", "must be at most accessTokenMaxTTL")
    networks = checked_networks("accessTokenTrustedIps", rules.trusted)
    return TokenRules(ttl_s, max_ttl_s, rules.uses, networks)


def checked_lockout(lockout: Lockout) -> Lockout:
    """Return the rules of a lockout."""
    _require("lockoutThreshold", lockout.after, 0, LOCKOUT_MAX)
    _require("lockoutDurationSeconds", lockout.lasts_s, *LOCKOUT_S)
    _require("lockoutCounterResetSeconds", lockout.forgets_s, *FORGETS_S)
    return lockout


def checked_secret_life(ttl_s: int, uses: int) -> None:
    """Raise InvalidInput where a client secret can have no such life; 0 is without an end."""
    _require("ttl", ttl_s, 0, TTL_MAX_S)
    _require("numUsesLimit", uses, 0, USES_MAX)


def checked_networks(field: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return networks in CIDR; everywhere is none at all."""
    if len(texts) > NETWORKS_MAX:
        raise _invalid(field, f"must be at most {NETWORKS_MAX} networks")
    try:
        networks = tuple(str(ip_network(text.strip(), strict=False)) for text in texts)
    except ValueError:
        raise _invalid(field, "must be IP addresses or networks, such as 10.0.0.0/8") from None
    return () if set(networks) >= EVERYWHERE else networks


def _require(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _invalid(field, f"must be {least} to {most}")


def _invalid(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((field,), rule))
