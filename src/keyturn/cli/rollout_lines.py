"""Rollouts as lines for people: the plan, how the waves stand, and who is in them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyturn.cli import output
from keyturn.cli.inventory_lines import duration

if TYPE_CHECKING:
    from keyturn.wire.emergencies import Emergency
    from keyturn.wire.rollouts import (
        PlannedMember,
        PlannedWave,
        Rollout,
        RolloutMember,
        RolloutMembersAnswer,
        RolloutPlan,
        RolloutSummary,
        RolloutWave,
        Standing,
    )


def plan(found: "RolloutPlan", limit: int) -> Iterator[str]:
    """Render what a rollout would do, its waves and so many of its members."""
    yield f"Rollout {found.name} turns {output.counted(len(found.members), 'rotation')}"
    yield from output.table(
        ["wave", "cut", "rotations", "calls", "next after"],
        [
            [str(one.number), one.cut, str(one.members), str(one.calls), _next_after(found, one)]
            for one in found.waves
        ],
    )
    yield ""
    rows = [
        [str(one.number), str(one.wave), one.name, one.label, one.owner, one.connection, one.why]
        for one in found.members[:limit]
    ]
    yield from output.table(
        ["no", "wave", "rotation", "app", "owner", "connection", "because"], rows
    )
    yield from more(len(found.members), limit)
    yield ""
    yield from _warnings(found.members, limit)
    begins = "at once"
    if found.last_begins_s:
        begins = f"after about {duration(found.last_begins_s)}"
    ends = duration(found.lasts_s)
    yield f"{found.calls} calls to Okta. The last wave begins {begins}; all finish in about {ends}."
    approved = ", and a second person has approved it" if found.approvals else ""
    yield f"The next wave begins when every turn before is {found.go_on_at}{approved}."
    yield f"Plan: {found.plan_hash}"


def _next_after(found: "RolloutPlan", wave: "PlannedWave") -> str:
    """Tell how long after a wave begins the next may; nothing of the last."""
    last = max((one.wave for one in found.members), default=0)
    return duration(wave.lasts_s) if wave.members and wave.number < last else "-"


def _warnings(members: "Sequence[PlannedMember | RolloutMember]", limit: int) -> Iterator[str]:
    """Say what somebody should look at before they turn."""
    warned = [one for one in members if one.warnings]
    if warned:
        rows = [[str(one.number), one.name, " ".join(one.warnings)] for one in warned[:limit]]
        yield from output.table(["no", "rotation", "look at this first"], rows)
        yield from more(len(warned), limit)
        yield ""


def rollouts(found: "Sequence[RolloutSummary]") -> list[str]:
    """Render a list."""
    rows = [
        [
            one.name,
            state_of(one),
            f"{one.wave} of {one.waves}",
            one.creator,
            output.moment(one.created_at),
            one.told,
            one.id,
        ]
        for one in found
    ]
    return output.table(["rollout", "state", "wave", "by", "begun", "told", "id"], rows)


def rollout(found: "Rollout") -> Iterator[str]:
    """Render one with its waves."""
    yield f"Rollout {found.name} is {state_of(found)}. {found.told}".rstrip()
    facts = {
        "reason": found.reason,
        "rotations": found.selector or "all",
        "begun": f"{output.moment(found.created_at)} by {found.creator}",
        "ended": output.moment(found.ended_at) if found.ended_at else "",
        "next wave": f"when every turn before is {found.go_on_at}",
        "plan": found.plan_hash,
        "id": found.id,
    }
    yield from (f"  {name:<10} {output.printable(text)}" for name, text in facts.items() if text)
    yield ""
    rows = [
        [_mark(found, one), str(one.number), one.cut, *_counts(found, one)] for one in found.waves
    ]
    yield from output.table(["", "wave", "cut", "rotations", "stand"], rows)
    for each in found.approvals:
        until = output.moment(each.expires_at)
        yield f"Wave {each.wave} was approved by {output.printable(each.name)}, good until {until}."
    yield from _to_do(found)


def members(found: "RolloutMembersAnswer", of: "Rollout") -> Iterator[str]:
    """Render members of a rollout."""
    rows = [
        [str(x.number), str(x.wave), x.name, standing(of, x.standing), x.phase or "-", x.told]
        for x in found.members
    ]
    yield from output.table(["no", "wave", "rotation", "stands", "phase", "told"], rows)
    yield from more(found.total, len(found.members))
    yield from _warnings(found.members, len(found.members))


def state_of(one: "RolloutSummary | Rollout | Emergency") -> str:
    """Call a state as the order that leads there."""
    return "aborted" if one.state == "abandoned" else one.state


def standing(of: "Rollout | Emergency", member: str) -> str:
    """Call how a member stands: nobody waits in what was aborted."""
    return "not begun" if of.state == "abandoned" and member == "waiting" else member


def standings(
    of: "Rollout | Emergency", counts: "Mapping[Standing, int] | Mapping[str, int]"
) -> str:
    """Render how many stand how."""
    return ", ".join(f"{count} {standing(of, each)}" for each, count in sorted(counts.items()))


def more(total: int, shown: int) -> Iterator[str]:
    """Say how many are not shown."""
    if total > shown:
        yield f"… and {total - shown} more: --limit shows them."


def turned(wave: "RolloutWave") -> int:
    """Count who of a wave has turned."""
    return wave.standings.get("done", 0)


def left_out(wave: "RolloutWave") -> int:
    """Count who of a wave was left out."""
    return wave.standings.get("skipped", 0)


def _mark(found: "Rollout", wave: "RolloutWave") -> str:
    return ">" if wave.number == found.wave and not found.ended_at else ""


def _counts(found: "Rollout", wave: "RolloutWave") -> list[str]:
    return [str(wave.members), standings(found, wave.standings) or "-"]


def _to_do(found: "Rollout") -> Iterator[str]:
    """Say what somebody can do now."""
    now = datetime.now(UTC)
    approved = (each.wave for each in found.approvals if each.expires_at > now)
    if found.state == "awaiting" and found.wave not in approved:
        yield f"A second person lets it go: keyturn rollout approve {found.name}"
    if found.state == "halted":
        yield f"Once that is mended: keyturn rollout continue {found.name}"
        yield f"Without who failed:  keyturn rollout continue {found.name} --skip NO"
    if left := sum(map(left_out, found.waves)):
        yield f"{left} left out: keyturn rollout members {found.name} --standing skipped"
