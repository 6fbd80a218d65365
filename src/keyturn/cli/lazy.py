"""A group of commands whose modules are imported when they are wanted."""

from collections.abc import Mapping
from importlib import import_module

import click


class LazyGroup(click.Group):
    """A group that finds its commands by ``module:name``."""

    def __init__(self, *, commands_at: Mapping[str, str], name: str, help: str) -> None:  # noqa: A002  # click's word
        super().__init__(name=name, help=help, context_settings={"max_content_width": 100})
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of the table."""
        return [*self._commands_at]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None for an unknown one."""
        where = self._commands_at.get(cmd_name)
        if where is None:
            return None
        module, _, attribute = where.partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"{where} is not a command")
        return found
