"""A file of owners that is none is refused before anything is sent: what is wrong is said."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from keyturn.cli.main import cli


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "has no rule. To have none at all, use --clear."),
        (b"pattern,owner\n", "has no rule"),
        ("pay-*,Zahlungsverkehr Süd\n".encode("latin-1"), "must be in UTF-8"),
        (b"pay-*,payments\nshop-*\n", "rule 2 must be a pattern, a comma and an owner"),
        (b"pay-*,payments\n" + b"x" * 300 + b",shop\n", "rule 2 has more than 255 characters"),
        (b"pay-*,payments\n" * 10_001, "must be at most 10,000 rules; there are 10,001"),
        (b'pay-*,"payments\n', "must be CSV"),
    ],
)
def test_a_file_of_owners_that_is_none_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """An export that failed takes no owner off; the number of the rule is told."""
    file = tmp_path / "owners.csv"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["inventory", "owners", str(file)])
    assert result.exit_code == 2, result.output
    assert why in " ".join(result.stderr.split())


def test_rules_are_taken_away_without_a_file_only(tmp_path: Path) -> None:
    """Both together say two things."""
    file = tmp_path / "owners.csv"
    file.write_text("pay-*,payments\n")
    result = CliRunner().invoke(cli, ["inventory", "owners", str(file), "--clear"])
    assert (result.exit_code, "--clear stands alone" in result.stderr) == (2, True)
