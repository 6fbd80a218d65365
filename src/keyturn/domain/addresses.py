"""Where Keyturn may be sent by an address that somebody typed.

Decides on a URL and on the IP addresses that it resolves to. Resolves nothing itself.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from keyturn.domain.errors import AddressRefused

URL_MAX = 255


def instance_url(text: str, *, private_allowed: bool) -> str:
    """Return an org's address as ``scheme://host[:port]``.

    Plain http is for private addresses only, where they are allowed. Raises AddressRefused for
    anything else than a bare https address.
    """
    url = text.strip().rstrip("/")
    parts = _parts(url)
    if not parts or not parts.hostname or parts.username or parts.password:
        raise AddressRefused(f"The address must be https://HOST of at most {URL_MAX} characters.")
    if parts.path or parts.query or parts.fragment:
        raise AddressRefused("The address must be that of the org alone, without path or query.")
    if parts.scheme != "https" and not (parts.scheme == "http" and private_allowed):
        raise AddressRefused("The address must begin with https://.")
    if parts.hostname.split(".")[0].endswith("-admin"):
        raise AddressRefused("The address must be that of the org, without -admin in its name.")
    return url


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts if len(url) <= URL_MAX else None


def refuse_private(address: str, *, private_allowed: bool) -> None:
    """Raise AddressRefused for an IP address inside a private, loopback or special range."""
    if not private_allowed and not _public(ip_address(address)):
        raise AddressRefused(
            f"The address leads to {address}, which is not on the public internet. "
            "Set KEYTURN_ALLOW_PRIVATE_ADDRESSES=true if the org really is there."
        )


def _public(ip: IPv4Address | IPv6Address) -> bool:
    inner = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (inner or ip).is_global and not ip.is_multicast
