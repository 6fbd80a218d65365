"""The credentials that an app has at Okta, on the command line."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.slots import Slot


@click.command("slots")
@click.argument("which", metavar="ROTATION")
@click.option("--check-okta", is_flag=True, help="Ask Okta for its list; one call.")
@options.project
@options.server
@options.as_json
def slots(*, which: str, check_okta: bool, project: str, server: str | None, as_json: bool) -> None:
    """List the credentials that the app has at Okta, and what becomes of each; never a value.

    Without --check-okta it is told by what is on record.
    """
    from keyturn.cli.rotation import find_rotation

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            told = await api.read_slots(found, check_okta=check_okta)
        header = ["okta id", "status", "made", "version", "state", "served", "deactivated by"]
        lines = output.table(header, [_row(each) for each in told.slots])
        output.show(told.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def _row(one: "Slot") -> list[str]:
    served = output.moment(one.served_from) if one.served_from else "never"
    return [
        one.okta_id or "not named yet",
        one.status or "not there",
        output.moment(one.created_at) if one.created_at else "",
        str(one.version or "not Keyturn's"),
        one.state or "",
        f"{served} to {output.moment(one.served_to)}" if one.served_to else served,
        output.moment(one.retires_at) if one.retires_at else "",
    ]
