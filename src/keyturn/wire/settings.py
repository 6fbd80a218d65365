"""The settings of a server (ours)."""

from keyturn.wire.base import Wire


class Setting(Wire):
    """A setting by its environment variable; one that is secret is masked, one not set is null."""

    variable: str
    value: str | int | float | bool | None
    meaning: str


class SettingsAnswer(Wire):
    """Every setting in force."""

    settings: tuple[Setting, ...]
