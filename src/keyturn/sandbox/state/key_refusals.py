"""The refusals that concern a client's public keys.

The texts are Okta's own, but for those of what is no key at all.
"""

from keyturn.sandbox.errors import OktaError, validation_failed


def key_state(cause: str) -> OktaError:
    """Return the refusal of a step that a client's keys forbid."""
    return validation_failed("JsonWebKey", cause)


def key_name_taken() -> OktaError:
    """Return the refusal of a second key with the same `kid`."""
    return key_state("All keys in the 'jwks' must have a unique `kid`.")


def key_without_name() -> OktaError:
    """Return the refusal of several keys of which one has no `kid`."""
    return key_state(
        "Each key should have a unique kid when adding multiple keys. Use the Apps API to update "
        "the JWKS to add a kid for the existing key, or delete the existing key and re-add the "
        "key with a kid using the JWKS APIs."
    )


def max_keys() -> OktaError:
    """Return the refusal of a key too many."""
    return key_state(
        "You can't create a new key. You have reached the maximum number of keys allowed (50). "
        "To add another key, you must first delete an existing one."
    )


def weak_key() -> OktaError:
    """Return the refusal of a key that is too short, and of one that is none."""
    return key_state("RSA key length in the 'jwks' is less than '2,048' bits for the given key.")


def wrong_member(name: str) -> OktaError:
    """Return the refusal of a key with a member that cannot be read."""
    return key_state(f"The value of '{name}' in the 'jwks' is invalid for the given key.")


def unknown_key_type() -> OktaError:
    """Return the refusal of a key that is neither RSA nor EC."""
    return key_state("The 'kty' in the 'jwks' must be one of the following: [RSA, EC].")


def no_key() -> OktaError:
    """Return the refusal of members that make no key together."""
    return key_state("The 'jwks' contains an invalid key.")


def second_encryption_key() -> OktaError:
    """Return the refusal of a second ACTIVE encryption key."""
    return key_state("The client can have only one active encryption key in the 'jwks'.")


def encryption_key_kept() -> OktaError:
    """Return the refusal to deactivate the ACTIVE encryption key."""
    return key_state("You can't deactivate the active encryption key.")


def only_active_key() -> OktaError:
    """Return the refusal to deactivate the only key that a client signs with."""
    return key_state(
        "Can't deactivate the only active JSON Web Key when the value for "
        "`token_endpoint_auth_method` is `private_key_jwt`."
    )


def request_object_key_kept() -> OktaError:
    """Return the refusal to deactivate the key that signs request objects."""
    return key_state(
        "The `jwks` must contain at least one key with an algorithm matching the "
        "`request_object_signature_algorithm`."
    )


def active_key_kept() -> OktaError:
    """Return the refusal to delete an ACTIVE key."""
    return key_state(
        "You can't delete an active JSON Web Key. Deactivate the key before deleting it."
    )
