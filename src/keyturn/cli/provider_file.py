"""Files that say how an authorization server is spoken to."""

import json
from pathlib import Path

import click


def read_provider(file: Path) -> dict[str, object]:
    """Return the document in a JSON or YAML file. Raises UsageError where there is none.

    What its members may be is the server's to say.
    """
    from keyturn.domain.oauth.document_text import NO_MAPPING, read_document

    try:
        text = file.read_text("utf-8")
        found = json.loads(text) if file.suffix == ".json" else read_document(text)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read ({type(error).__name__}).") from None
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{file}: {NO_MAPPING}")
    return found
