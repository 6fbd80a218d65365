"""Show every setting."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output

if TYPE_CHECKING:
    from keyturn.settings import Settings


@click.command()
@options.as_json
def settings(*, as_json: bool) -> None:
    """List every setting, its value in force and its meaning.

    Each is named by its environment variable; what is secret is masked.
    """
    found = _settings(options.read_settings())
    lines = [
        line
        for one in found
        for line in (f"{one['variable']} = {_shown(one['value'])}", f"    {one['meaning']}")
    ]
    output.show({"settings": found}, lines, as_json=as_json)


def _settings(settings: "Settings") -> list[dict[str, str | int | float | bool | None]]:
    from keyturn.settings import PREFIX

    return [
        {
            "name": one.variable.removeprefix(PREFIX).lower(),
            "variable": one.variable,
            "value": one.value,
            "meaning": one.meaning,
        }
        for one in settings.described
    ]


def _shown(value: str | float | bool | None) -> str:  # noqa: FBT001  # a value, not a switch
    return (
        "(not set)"
        if value in (None, "")
        else str(value).lower()
        if value in (True, False)
        else str(value)
    )
