"""What the commands that bring secrets in share: the file, and what is said of each name."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keyturn.client.importing import ImportPlan


def read_text(file: Path) -> str:
    """Return what is in a file. Raises ClickException where it is not UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not a text in UTF-8.") from None


def rows(plan: "ImportPlan", *, overwrite: bool) -> list[list[str]]:
    """Return each name of a plan, and what it is to the folder."""
    changed = "changed" if overwrite else "differs, is left as it is (see --overwrite)"
    told = (
        ("new", plan.new),
        (changed, plan.changed),
        ("same", plan.same),
        ("kept by a rotation, is left alone", plan.rotated),
    )
    return [[name, what] for what, names in told for name in names]
