"""Flows: their files, and what runs of them."""

from keyturn.cli.lazy import LazyGroup

COMMANDS = {
    "schema": "keyturn.cli.flow_files:schema",
    "check": "keyturn.cli.flow_files:check",
    "fmt": "keyturn.cli.flow_files:fmt",
    "diff": "keyturn.cli.flow_files:diff",
    "cards": "keyturn.cli.flow_cards:cards",
    "template": "keyturn.cli.flow_template:template",
    "import": "keyturn.cli.flow_import:import_flows",
    "push": "keyturn.cli.flow_saved:push",
    "pull": "keyturn.cli.flow_saved:pull",
    "list": "keyturn.cli.flow_saved:list_flows",
    "show": "keyturn.cli.flow_saved:show",
    "enable": "keyturn.cli.flow_saved:enable",
    "disable": "keyturn.cli.flow_saved:disable",
    "remove": "keyturn.cli.flow_saved:remove",
    "token": "keyturn.cli.flow_saved:token",
    "run": "keyturn.cli.flow_runs:run_flow",
    "runs": "keyturn.cli.flow_runs:runs",
    "invoke": "keyturn.cli.flow_invoke:invoke",
    "table": "keyturn.cli.flow_table:table",
}

flow = LazyGroup(
    name="flow",
    commands_at=COMMANDS,
    help="Write flows: cards on connections, in files that are reviewed like code.",
)
