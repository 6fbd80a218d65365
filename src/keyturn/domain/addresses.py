"""Where Keyturn may be sent by an address that somebody typed.

Decides on a URL and on the IP addresses that it resolves to. Resolves nothing itself.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from keyturn.domain.errors import AddressRefused

URL_MAX = 255
ENDPOINT_MAX = 2048
RESOURCE_MAX = 8192
DEFAULT_PORTS = {"https": 443, "http": 80}

NAT64 = IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
IPV4_COMPATIBLE = IPv6Network("::/96")


def instance_url(text: str, *, private_allowed: bool) -> str:
    """Return an org's address as ``scheme://host[:port]``, in the one spelling that it has.

    Plain http is for private addresses only, where they are allowed; what a name resolves to is
    judged when a connection is made. Raises AddressRefused for anything else than an origin.
    """
    parts = _parts(text.strip())
    if not parts or not parts.hostname or parts.username is not None:
        raise AddressRefused(f"The address must be https://HOST of at most {URL_MAX} characters.")
    if parts.path.strip("/") or any(mark in text for mark in "?#"):
        raise AddressRefused("The address must be that of the org alone, without path or query.")
    if parts.scheme not in DEFAULT_PORTS or (parts.scheme == "http" and not private_allowed):
        raise AddressRefused(
            "The address must begin with https://. For an org on this machine or in a private "
            "network, start Keyturn with KEYTURN_ALLOW_PRIVATE_ADDRESSES=true."
        )
    if parts.hostname.split(".")[0].endswith("-admin"):
        raise AddressRefused("The address must be that of the org, without -admin in its name.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def key_url(text: str, *, private_allowed: bool) -> str:
    """Return the address of an issuer's keys, as it is to be called.

    Plain http is for private addresses only, where they are allowed. Raises AddressRefused.
    """
    return _whole_url(text, "an issuer's keys", private_allowed=private_allowed)


def destination_url(text: str, *, private_allowed: bool) -> str:
    """Return the address of a store that secrets are brought to, by the same rules."""
    return _whole_url(text, "a destination", private_allowed=private_allowed)


def endpoint_url(text: str, whose: str, *, private_allowed: bool) -> str:
    """Return the address of an authorization server's endpoint; it may hold long parameters."""
    return _whole_url(text, whose, private_allowed=private_allowed, longest=ENDPOINT_MAX)


def resource_url(text: str, *, private_allowed: bool) -> str:
    """Return the address of what a flow asks a service for; it may hold a long query."""
    whose = "the request"
    return _whole_url(text, whose, private_allowed=private_allowed, longest=RESOURCE_MAX)


def _whole_url(text: str, whose: str, *, private_allowed: bool, longest: int = URL_MAX) -> str:
    url = text.strip()
    parts = _parts(url, longest)
    if not parts or not parts.hostname or parts.username is not None or "#" in url:
        raise AddressRefused(
            f"The address of {whose} must be https://HOST/PATH of at most {longest} characters."
        )
    if parts.scheme not in DEFAULT_PORTS or (parts.scheme == "http" and not private_allowed):
        raise AddressRefused(f"The address of {whose} must begin with https://.")
    return url


def refuse_private(address: str, *, private_allowed: bool) -> None:
    """Raise AddressRefused for an IP address inside a private, loopback or special range."""
    if not private_allowed and not _public(address):
        raise AddressRefused(
            f"The address leads to {address}, which is not on the public internet. "
            "Set KEYTURN_ALLOW_PRIVATE_ADDRESSES=true if it really is there."
        )


def refuse_public_http(address: str) -> None:
    """Raise AddressRefused for a public IP address, to which nothing goes without TLS."""
    if _public(address):
        raise AddressRefused(
            f"The address leads to {address} without TLS: it must begin with https://."
        )


def _parts(url: str, longest: int = URL_MAX) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts if len(url) <= longest else None


def _public(address: str) -> bool:
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast
    inner = _embedded(ip)
    if inner is not None:
        return inner.is_global and not inner.is_multicast
    special = ip.is_multicast or ip.is_site_local or ip in LOCAL_NAT64
    return ip.is_global and not special


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """Find the IPv4 address that an IPv6 one carries (RFC 4291, 3056, 6052)."""
    if ip in NAT64 or ip in IPV4_COMPATIBLE:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
