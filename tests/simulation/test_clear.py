"""What the judge searches for secrets: nothing twice in vain, and nothing once too few times."""

import pytest

from keyturn.cli.simulation.clear import Clean, no_secret_in_clear

VALUE, ANOTHER = "a" * 64, "b" * 64


def test_text_is_searched_again_once_another_secret_is_known() -> None:
    """What held none of the secrets that were known may hold one that has become known since."""
    clean, text = Clean(), f"a message with {ANOTHER} in it"
    assert not [*no_secret_in_clear([text], {VALUE}, clean)]
    assert [*no_secret_in_clear([text], {VALUE, ANOTHER}, clean)]


def test_text_with_a_secret_is_found_each_time() -> None:
    """A secret that stays in clear is told again, after texts beside it that hold none."""
    clean, texts = Clean(), ["nothing here", f"a message with {VALUE} in it"]
    assert [*no_secret_in_clear(texts[:1], {VALUE}, clean)] == []
    for _ in range(2):
        (told,) = no_secret_in_clear(texts, {VALUE}, clean)
        assert VALUE not in told


@pytest.mark.parametrize(
    ("text", "found"), [(f"v1_{VALUE}", 1), (VALUE[:-2], 1), (f"x{VALUE}y", 1), (VALUE[:12], 0)]
)
def test_a_secret_within_a_longer_word_is_found(text: str, found: int) -> None:
    """So is nearly the whole of one; a beginning that identifies nothing is let go."""
    assert len([*no_secret_in_clear([text], {VALUE}, Clean())]) == found
