"""Where a request comes from, by the word of trusted proxies and of nobody else."""

import pytest

from keyturn.domain.proxies import client_address, parse_proxies

TRUSTED = parse_proxies("10.0.0.0/8, 192.0.2.7, 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "  ", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.9.9.9,192.0.2.7", "198.51.100.1"),
        ("10.0.0.1", "10.2.2.2", "10.2.2.2"),
        ("", "198.51.100.1", ""),
    ],
    ids=["a stranger", "no header", "blanks", "one hop", "past others", "only proxies", "nobody"],
)
def test_the_first_that_is_no_proxy_is_the_client(peer: str, forwarded: str, told: str) -> None:
    """The header counts where a trusted proxy has connected, and from its right end on."""
    assert client_address(peer, forwarded, TRUSTED) == told


@pytest.mark.parametrize("spoofed", ["127.0.0.1", "10.0.0.5", "junk", "", "[::1]", "a, 10.0.0.1"])
def test_what_the_client_wrote_itself_is_not_read(spoofed: str) -> None:
    """Whatever stands left of what a proxy has added changes nothing."""
    assert client_address("10.0.0.1", f"{spoofed}, 198.51.100.1", TRUSTED) == "198.51.100.1"


@pytest.mark.parametrize(
    "last", ["unknown", "_hidden", "", "1.2.3", "1.2.3.4.5", "[::1", "::g", "1.2.3.4:80:90", "\0"]
)
def test_a_proxy_that_tells_nobody_leaves_nobody(last: str) -> None:
    """No address is made up, and none left of it is taken instead: lists of networks refuse it."""
    told = client_address("10.0.0.1", f"198.51.100.1, {last}", TRUSTED)
    assert told == ("::1" if last == "[::1" else "")


@pytest.mark.parametrize(
    ("hop", "told"),
    [
        ("2001:4860::1", "2001:4860::1"),
        ("[2001:4860::1]", "2001:4860::1"),
        ("[2001:4860::1]:443", "2001:4860::1"),
        ("198.51.100.1:51234", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_every_spelling_of_an_address_is_read(hop: str, told: str) -> None:
    """IPv6, ports, and IPv4 inside of IPv6, from the header and from the connection."""
    for peer in ("2001:db8::1", "::ffff:10.0.0.1"):
        assert client_address(peer, hop, TRUSTED) == told


def test_without_trusted_proxies_no_header_counts() -> None:
    """Nothing is trusted that nobody named."""
    assert client_address("127.0.0.1", "198.51.100.1", parse_proxies("")) == "127.0.0.1"


@pytest.mark.parametrize("text", ["0.0.0.0/0", "10.0.0.1, ::/0", "proxy.example", "10.0.0.0/33"])
def test_what_names_no_proxies_is_refused(text: str) -> None:
    """Neither names nor everybody are proxies."""
    with pytest.raises(ValueError, match=r".+"):
        parse_proxies(text)
