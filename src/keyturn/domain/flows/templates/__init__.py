"""Flows that come with Keyturn, as the files beside this one have them."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class FlowTemplate:
    """A flow to begin with."""

    name: str
    description: str
    text: str


def list_templates() -> list[FlowTemplate]:
    """List the templates, by their names."""
    found = (each for each in files(__name__).iterdir() if each.name.endswith(".yaml"))
    texts = {each.name.removesuffix(".yaml"): each.read_text("utf-8") for each in found}
    return [FlowTemplate(name, _described(text), text) for name, text in sorted(texts.items())]


def _described(text: str) -> str:
    """Return what stands behind ``description:``; templates say it in one line, unquoted."""
    lines = (line.partition("description: ") for line in text.splitlines())
    return next(told for before, found, told in lines if found and not before)
