"""The flows of the installation: two that come with Keyturn, and two that were written for it."""

from typing import Final

from keyturn.cli.showcase.cast import OFFICE
from keyturn.cli.showcase.stage import Stage
from keyturn.domain.flows.templates import list_templates
from keyturn.domain.flows.values import Kind, Value
from keyturn.services.awaiting import run_by_hand
from keyturn.services.flow_tables import create_table
from keyturn.services.flows import save_flow

LIMIT_S: Final = 10.0
TEMPLATES: Final = frozenset({"token-health", "unused-apps"})

NOTE_TURNS: Final = """\
version: 1
flow: note-turns
description: Keep a list of the turns that ended here, and of those that need somebody.
start:
  kind: event
  source: keyturn
  events: [keyturn.turn.finished, keyturn.turn.blocked]
cards:
- card: table.create_row
  with:
    table: turns
    values:
      rotation: "{{ start.event.rotation.name }}"
      what: "{{ start.event.eventType }}"
      at: "{{ start.event.published }}"
"""

GREET: Final = """\
version: 1
flow: greet
description: Say hello to whoever asks with the flow's token.
start:
  kind: api_endpoint
  security: client_token
  query: {name: text}
outputs: {said: text}
cards:
- id: greeting
  card: text.compose
  with: {text: "Hello {{ start.query.name }}"}
- card: flow.return
  with: {said: "{{ greeting.text }}"}
"""


async def save_flows(stage: Stage) -> None:
    """Save all flows in one folder; they use its connections."""
    columns = {"rotation": Kind.TEXT, "what": Kind.TEXT, "at": Kind.TEXT}
    await create_table(stage.world, stage.admin, OFFICE, "turns", columns)
    shipped = [each.text for each in list_templates() if each.name in TEMPLATES]
    for text in (*shipped, NOTE_TURNS, GREET):
        view = await save_flow(stage.world, stage.admin, OFFICE, text)
        stage.flow_ids[view.saved.name] = view.saved.id


async def greet(stage: Stage, name: str) -> None:
    """Have the flow greet somebody."""
    given: Value = {"name": name}
    its_id = stage.flow_ids["greet"]
    await run_by_hand(stage.world, stage.admin, its_id, {"query": given}, wait_s=LIMIT_S)
