"""Files that say how an authorization server is spoken to."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click

SWITCHES: Mapping[str, bool] = {"true": True, "false": False}


def read_provider(file: Path) -> dict[str, object]:
    """Return the document in a JSON or YAML file. Raises UsageError where there is none.

    What its members may be is the server's to say.
    """
    try:
        text = file.read_text("utf-8")
        found = json.loads(text) if file.suffix == ".json" else _yaml(text)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read ({type(error).__name__}).") from None
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise click.UsageError(f"{file} is no mapping of names: docs/connections.md has examples.")
    return found


def _yaml(text: str) -> object:
    """Return what a YAML text holds, which a JSON text is as well. Raises ValueError.

    Everything is a text but a member that is switched by true or false: to YAML 1.1, ``on`` is a
    truth as well.
    """
    yaml = import_module("yaml")  # whoever reads no YAML does not wait for it
    try:
        found: object = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"no YAML{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(found, dict):
        return found
    return {
        name: SWITCHES.get(told, told) if isinstance(told, str) else told
        for name, told in found.items()
    }
