"""What commands print of what others have sent."""

from keyturn.cli.output import table


def test_a_cell_moves_no_cursor() -> None:
    """Neither escape sequences nor line breaks reach the terminal, and columns stay straight."""
    lines = table(["NAME", "SUBJECT"], [["a", "secret \x1b[2J\nforged \u202e"], ["é", "key"]])
    assert lines == ["NAME  SUBJECT", "a     secret \\x1b[2J\\x0aforged \\x202e", "é     key"]
