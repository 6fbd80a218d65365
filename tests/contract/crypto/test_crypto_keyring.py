"""What a vault keeps: a sealed value opens in its own place, under its own key, or not at all."""

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.adapters.crypto import Keyring, RootKeyUnusable
from keyturn.domain.errors import SealBroken
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Vault
from keyturn.testing import SeededChance

ROOT = bytes(range(32))
VALUE = Sensitive("marked-value é \x00")
SCOPE, PLACE = "project p-1", "version v-1 sealed"


def vault(root: bytes = ROOT, seed: int = 1) -> Vault:
    """Return a vault with chance of its own."""
    return Keyring(root, SeededChance(seed).random_bytes)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(), st.text())
def test_a_sealed_value_opens_where_it_belongs(value: str, scope: str, place: str) -> None:
    """Any value comes back from any scope and place, under a keyring that is made anew too."""
    key = vault().new_data_key(scope)
    sealed = vault(seed=2).seal(key, scope, place, Sensitive(value))
    assert vault(seed=3).open(key, scope, place, sealed).reveal() == value


WRONG: dict[str, Callable[[bytes, bytes], Sensitive]] = {
    "place": lambda key, sealed: vault().open(key, SCOPE, "version v-2 sealed", sealed),
    "scope": lambda key, sealed: vault().open(key, "project p-2", PLACE, sealed),
    "parts run together": lambda key, sealed: vault().open(key, SCOPE + PLACE, "", sealed),
    "data key": lambda key, sealed: vault().open(vault().new_data_key(SCOPE), SCOPE, PLACE, sealed),
    "root key": lambda key, sealed: vault(b"\x01" * 32).open(key, SCOPE, PLACE, sealed),
    "format": lambda key, sealed: vault().open(key, SCOPE, PLACE, b"\x02" + sealed[1:]),
    "nothing": lambda key, sealed: vault().open(key, SCOPE, PLACE, b""),
    "cut short": lambda key, sealed: vault().open(key, SCOPE, PLACE, sealed[:5]),
    "cut tag": lambda key, sealed: vault().open(key, SCOPE, PLACE, sealed[:-1]),
    "a data key for a value": lambda key, sealed: vault().open(key, SCOPE, PLACE, key),
    "a value for a data key": lambda key, sealed: vault().open(sealed, SCOPE, PLACE, sealed),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_sealed_value_opens_nowhere_else(what: str) -> None:
    """With another place, scope, key or form, a sealed value stays shut and shows nothing."""
    key = vault(seed=5).new_data_key(SCOPE)
    sealed = vault(seed=6).seal(key, SCOPE, PLACE, VALUE)
    with pytest.raises(SealBroken) as refused:
        WRONG[what](key, sealed)
    assert "marked" not in str(refused.value)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_breaks_the_seal(index: int, change: int) -> None:
    """Whichever byte of a sealed value is changed, it does not open any more."""
    key = vault().new_data_key(SCOPE)
    sealed = bytearray(vault(seed=2).seal(key, SCOPE, PLACE, VALUE))
    sealed[index % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        vault().open(key, SCOPE, PLACE, bytes(sealed))


def test_a_seal_needs_a_data_key_of_its_scope() -> None:
    """A data key of another scope seals nothing, even where it is unwrapped already."""
    keyring = vault()
    key = keyring.new_data_key(SCOPE)
    keyring.seal(key, SCOPE, PLACE, VALUE)
    with pytest.raises(SealBroken):
        keyring.seal(key, "project p-2", PLACE, VALUE)


def test_the_same_value_is_never_sealed_alike() -> None:
    """Every seal has a nonce of its own, so that equal values do not show."""
    keyring = vault()
    key = keyring.new_data_key(SCOPE)
    assert len({keyring.seal(key, SCOPE, PLACE, VALUE) for _ in range(100)}) == 100


def test_many_data_keys_are_used_in_turn() -> None:
    """A keyring serves more data keys than it keeps unwrapped."""
    keyring = vault()
    keys = [keyring.new_data_key(SCOPE) for _ in range(600)]
    sealed = [keyring.seal(key, SCOPE, PLACE, VALUE) for key in keys]
    opened = [keyring.open(k, SCOPE, PLACE, s) for k, s in zip(keys, sealed, strict=True)]
    assert opened == [VALUE] * 600


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_root_key_has_256_bits(length: int) -> None:
    """A root key of another length is refused, those that AES would take included."""
    with pytest.raises(RootKeyUnusable, match=f"{length} bytes"):
        vault(bytes(length))


def test_a_keyring_hides_its_keys() -> None:
    """Neither a repr nor a pickle gives a key away."""
    keyring = Keyring(b"marked-root-key-marked-root-key!", SeededChance(1).random_bytes)
    assert "marked" not in repr(keyring) + repr(vars(keyring))
    with pytest.raises(TypeError):
        pickle.dumps(keyring)
