"""Who a request comes from, where proxies stand between.

Decides whose word is taken for it: a header is anybody's to send, so only what a trusted proxy has
added counts. Knows no request.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


def parse_proxies(text: str) -> Networks:
    """Return the addresses and networks (CIDR) of a list with commas.

    Raises ValueError for what is none, and for everywhere, which would trust everybody's word.
    """
    networks = [ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip()]
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("must name the proxies, not everybody")
    return networks


def client_address(peer: str, forwarded: str, trusted: Networks) -> str:
    """Return the IP address that a request comes from.

    ``peer`` is who has connected, ``forwarded`` the X-Forwarded-For header: each proxy adds at its
    right end who came to it. It is read from there, past trusted proxies, up to the first that is
    none; what stands left of that one is anybody's word. Empty where a trusted proxy tells nobody.
    """
    hops = forwarded.split(",") if forwarded.strip() else []
    came, told = _parsed(peer), peer
    while hops and came and any(came in network for network in trusted):
        came = _parsed(hops.pop())
        told = str(came or "")
    return told


def _parsed(hop: str) -> Address | None:
    """Read an address, which some proxies write with a port; IPv4 inside of IPv6 is IPv4."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
