"""Which secrets a process is given, and under which names."""

from keyturn.client.environment import inject


def test_secrets_join_what_is_inherited() -> None:
    """Both are in the environment, the secrets behind their prefix."""
    made = inject({"A": "1"}, {"HOME": "/"}, prefix="APP_")
    assert made.environment == {"HOME": "/", "APP_A": "1"}
    assert (made.unfit, made.kept) == ((), ())


def test_what_is_set_stays_unless_overridden() -> None:
    """A variable that is there is kept and named; with override the secret prevails."""
    values, inherited = {"PATH": "/evil", "A": "1"}, {"PATH": "/bin"}
    made = inject(values, inherited)
    assert (made.environment, made.kept) == ({"PATH": "/bin", "A": "1"}, ("PATH",))
    made = inject(values, inherited, override=True)
    assert (made.environment["PATH"], made.kept) == ("/evil", ())


def test_what_no_variable_can_hold_is_named() -> None:
    """Names that are none, and values with a NUL, are left out; the rest is there."""
    made = inject({"A.B": "1", "9": "2", "NUL": "\0", "GOOD": "3", "": "4"}, {})
    assert (made.environment, made.unfit) == ({"GOOD": "3"}, ("", "9", "A.B", "NUL"))


def test_a_value_is_in_no_repr() -> None:
    """What is shown of an injection is names."""
    assert "marked" not in repr(inject({"A": "marked"}, {"B": "marked"}))
