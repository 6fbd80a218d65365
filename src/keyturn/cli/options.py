"""The options that many commands share, and the settings that they and the environment make."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from keyturn.cli.faults import spoken_field

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from keyturn.settings import Settings
    from keyturn.wire.base import Wire

W = TypeVar("W", bound="Wire")


class Environment(click.types.StringParamType):
    """A text; whoever leaves it out is told what has those that there are."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """Return what is said besides."""
        return "`keyturn environment list` has those of a project."


as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of lines, ids included."
)
server = click.option("--server", help="Where Keyturn is.  [default: KEYTURN_URL]")
project = click.option(
    "--project", default="example", show_default=True, help="The project's id or slug."
)
environment = click.option(
    "--env",
    "environment",
    type=Environment(),
    required=True,
    help="The environment's slug: dev, staging, prod.",
)
path = click.option("--path", default="/", show_default=True, help="The folder of the secrets.")
plan = click.option(
    "--plan", is_flag=True, help="Only say what would be done at Okta; change nothing."
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the database and keys are.  [default: KEYTURN_DATA_DIR]",
)


def read_settings(**flags: str | int | Path | None) -> "Settings":
    """Return the settings from the flags that are given, then from the environment.

    Raises ClickException naming the setting that does not fit.
    """
    from pydantic import ValidationError

    from keyturn.settings import PREFIX, Settings

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False)
        wrong = [_told([PREFIX + str(name).upper() for name in e["loc"]], e["msg"]) for e in found]
        raise click.ClickException("Settings do not fit. " + "; ".join(wrong)) from None


def refuse_given(why: str, *names: str) -> None:
    """Raise UsageError for options that were given and would be ignored."""
    context = click.get_current_context()
    for option in context.command.params:
        given = option.name and context.get_parameter_source(option.name)
        if option.name in names and given is not ParameterSource.DEFAULT:
            raise click.UsageError(f"{why}: leave out {option.opts[0]}.")


def checked(shape: type[W], fields: dict[str, object]) -> W:
    """Return the fields in the shape of a request. Raises UsageError for what does not fit."""
    from pydantic import ValidationError

    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_input=False)
        wrong = [
            _told([spoken_field([*map(str, e["loc"])])] if e["loc"] else [], _rule(e))
            for e in found
        ]
        raise click.UsageError("; ".join(wrong)) from None


def _rule(error: "ErrorDetails") -> str:
    """Return what is asked of a field: a text of blanks is empty to whoever wrote it."""
    empty = error["type"] == "string_too_short" and error["ctx"]["min_length"] == 1
    return "must not be empty" if empty else error["msg"]


def _told(where: list[str], rule: str) -> str:
    """Render a rule of pydantic's; one about several fields names them itself."""
    rule = rule.removeprefix("Value error, ")
    return f"{'.'.join(where)}: {rule}" if where else rule
