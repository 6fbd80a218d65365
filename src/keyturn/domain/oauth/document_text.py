"""The text of a provider's document: YAML, or JSON, which is YAML as well.

Decides what stands in it as data; what its members may be is for `documents` to say.
"""

from collections.abc import Mapping

import yaml

SWITCHES: Mapping[str, bool] = {"true": True, "false": False}
NO_MAPPING = "no mapping of names: docs/connections.md has examples"


def read_document(text: str) -> dict[str, object]:
    """Return the document that a text holds. Raises ValueError, which says what it is instead.

    Everything is a text but a member that is switched by true or false: to YAML 1.1, ``on`` is a
    truth as well.
    """
    try:
        found: object = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  it makes texts alone
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"no YAML{f', line {mark.line + 1}' if mark else ''}") from None
    except RecursionError:
        raise ValueError("no YAML that anybody means: it is nested too deep") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ValueError(NO_MAPPING)
    return {
        name: SWITCHES.get(told, told) if isinstance(told, str) else told
        for name, told in found.items()
    }
