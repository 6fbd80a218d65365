"""Fixtures for the contract of the adapter to Okta."""

import pytest
from okta_kit import ScriptedOkta


@pytest.fixture
def okta() -> ScriptedOkta:
    """Give an Okta that answers from a script."""
    return ScriptedOkta()
