"""What can be wrong with a text."""


class FormatError(Exception):
    """Something does not fit its format; says which name or line, and never a value."""
