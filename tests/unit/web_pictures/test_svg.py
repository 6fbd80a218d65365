"""Elements are written so that no text is read as markup, and links stay within Keyturn."""

import pytest
from markupsafe import Markup
from picture_kit import HOSTILE, read

from keyturn.web.pictures.svg import Named, el, link, number, percent, printable, sheet, svg


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_no_markup(text: str) -> None:
    """Whatever a text or an attribute holds, it comes out as it is, and as nothing else."""
    (one,) = read(el("text", text, class_=text))
    shown = printable(text)
    assert (one.tag, one.text, one.get("class")) == ("text", shown, shown)
    assert not [*one]


def test_what_has_no_value_is_left_out() -> None:
    """None and an empty text are no attribute, and None is no child; nought is a number."""
    assert el("g", None, x=0, y=None, class_="") == Markup('<g x="0"/>')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.04, "0"),
        (12.0, "12"),
        (12.34, "12.3"),
        (99999.96, "100000"),
        (1e5, "100000"),
    ],
)
def test_lengths_are_written_to_a_tenth(value: float, written: str) -> None:
    """Without an exponent, and without a nought that is negative."""
    assert number(value) == written


def test_shares_are_written_in_hundredths() -> None:
    """As SVG takes them."""
    assert [percent(each) for each in (0, 1 / 3, 1)] == ["0%", "33.33%", "100%"]


@pytest.mark.parametrize("href", ["/rotations/1?a=b&c", "?age=0-25", "#cards[2]"])
def test_a_link_names_what_it_leads_to(href: str) -> None:
    """It is a link for the keyboard too, and its title is what it is called."""
    (one,) = read(link(href, "three secrets", class_="pic-node"))
    assert (one.tag, one.get("href"), one.findtext("title")) == ("a", href, "three secrets")
    assert one.get("class") == "pic-link pic-node"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "https://example.com/", "//example.com", "/\\example.com", "x"]
)
def test_a_picture_leads_nowhere_else(href: str) -> None:
    """An address outside Keyturn, or one that runs something, is refused."""
    with pytest.raises(ValueError, match="leads to pages of Keyturn"):
        link(href, "away")


def test_without_an_address_nothing_is_a_link() -> None:
    """The same is shown, and the keyboard does not stop there."""
    (one,) = read(link("", "three secrets"))
    assert (one.tag, one.get("href")) == ("g", None)


def test_an_image_is_called_by_its_title_and_described() -> None:
    """By ids that are the picture's own."""
    (one,) = read(svg(Named("x", "Ages", "All young")))
    assert one.get("role") == "img"
    told = {each.get("id"): each.text for each in one}
    assert told[one.get("aria-labelledby")] == "Ages"
    assert told[one.get("aria-describedby")] == "All young"


def test_a_picture_with_links_is_no_image() -> None:
    """What is inside an image nobody is told of, though the keyboard would stop there."""
    (one,) = read(svg(Named("x", "Ages"), linked=True))
    assert (one.get("role"), one.get("aria-describedby")) == ("group", None)


@pytest.mark.parametrize(("linked", "stops"), [(False, "0"), (True, None)])
def test_the_keyboard_scrolls_a_large_picture(*, linked: bool, stops: str | None) -> None:
    """It stops at the picture where it does not stop at a link in it."""
    (one,) = read(sheet(Named("x", "Ages"), (900, 300), linked=linked))
    assert one.get("tabindex") == stops
    assert one.get("aria-label") == (None if linked else "Ages")
