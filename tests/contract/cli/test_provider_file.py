"""Files that say how an authorization server is spoken to."""

from pathlib import Path

import click
import pytest

from keyturn.cli.provider_file import read_provider


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    """Whichever is at hand."""
    (tmp_path / "a.yaml").write_text("pkce: false\nendpoints: {token: https://a.example/t}\n")
    (tmp_path / "a.json").write_text('{"pkce":false,"endpoints":{"token":"https://a.example/t"}}')
    told = {"pkce": False, "endpoints": {"token": "https://a.example/t"}}
    assert read_provider(tmp_path / "a.yaml") == read_provider(tmp_path / "a.json") == told


def test_what_yaml_takes_for_a_truth_is_a_text_here(tmp_path: Path) -> None:
    """The members of an extra are texts, and one of them is called "on"."""
    (tmp_path / "a.yaml").write_text("push: true\nextras: [{on: revoke, value: true, in: 1}]")
    told = {"push": True, "extras": [{"on": "revoke", "value": "true", "in": "1"}]}
    assert read_provider(tmp_path / "a.yaml") == told


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.json", b"{canary", "Expecting property name"),
        ("a.yaml", b"a: [canary", "no YAML, line 1"),
        ("a.yaml", b"- canary", "no mapping"),
        ("a.json", b"[]", "no mapping"),
        ("a.yaml", b"!!python/object/apply:os.getcwd []", "no mapping"),
        ("a.yaml", b"\xff\xfe\xff", "cannot be read"),
        ("none.yaml", None, "cannot be read"),
    ],
)
def test_what_is_no_document_is_told(
    tmp_path: Path, name: str, data: bytes | None, why: str
) -> None:
    """By what is wrong with it, and without what it holds; nothing in it is run."""
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(click.UsageError, match=why) as caught:
        read_provider(tmp_path / name)
    assert "canary" not in caught.value.message
