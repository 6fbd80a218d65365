"""What the page about fleet files shows is what the code takes."""

import re
from pathlib import Path

import yaml
from openapi_schema_validator import OAS31Validator

from keyturn.cli.fleet_apply import apply
from keyturn.cli.fleet_file import CALLS_SHOWN, plan
from keyturn.cli.rotation import create
from keyturn.domain.budget import USUAL_PER_MIN
from keyturn.domain.fleetfile.items import SECTIONS
from keyturn.domain.fleetfile.reading import NODES_MAX, TEXT_MAX, parse_fleet
from keyturn.domain.fleetfile.schema import FLEET

PAGE = (Path(__file__).parents[2] / "docs" / "fleet-file.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_a_fleet_file() -> None:
    """It is read as a whole, and any validator of JSON Schema takes it as well."""
    file = parse_fleet(EXAMPLE)
    assert (len(file.items), len(file.templates)) == (13, 1)
    OAS31Validator.check_schema(FLEET)
    OAS31Validator(FLEET).validate(yaml.safe_load(EXAMPLE))
    odd = yaml.safe_load(EXAMPLE) | {"colour": "red"}
    assert not OAS31Validator(FLEET).is_valid(odd)


def test_the_page_tells_of_every_section_and_option() -> None:
    """In the order of the schema, with the limits that hold."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == list(SECTIONS)
    assert f"{TEXT_MAX:,} characters and {NODES_MAX:,} values" in PAGE
    assert f"Up to {CALLS_SHOWN} calls" in PAGE
    assert f"{USUAL_PER_MIN} a minute" in PAGE
    commands = (plan, apply, create)
    options = {name for command in commands for each in command.params for name in each.opts}
    for told in re.findall(r"--[a-z][a-z-]+", PAGE):
        assert told in options
