"""What is wrong after a rehearsal of kills, by the org's own record.

Everything has come to rest: no turn is under way, and nobody writes any more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from keyturn.cli.rehearsal.judge import History, TrueApp, Truth, measure_overlaps_s
from keyturn.cli.rehearsal.kill_stage import OVERLAP_S, Kept
from keyturn.domain.audit import AuditEntry, ChainBroken, verify_chain
from keyturn.domain.turn import Turn
from keyturn.sandbox import Org
from keyturn.sandbox.state.records import hash_secret
from keyturn.services.ports import Reading, TurnStep


@dataclass(frozen=True)
class Found:
    """What the installation has on record in the end."""

    turns: tuple[Turn, ...]
    steps: tuple[TurnStep, ...]
    audit: tuple[AuditEntry, ...]

    def count_steps(self, step: str) -> int:
        """Count the steps of a kind, over all turns."""
        return sum(each.step == step for each in self.steps)


async def read_found(tx: Reading) -> Found:
    """Read what there is to judge."""
    audit: list[AuditEntry] = []
    for _ in count():
        more = await tx.list_audit(after=audit[-1].number if audit else 0)
        audit += more
        if not more:
            break
    return Found(tuple(await tx.list(Turn)), tuple(await tx.list(TurnStep)), tuple(audit))


@dataclass(frozen=True)
class Case:
    """One app: what the org knows of it, its turns, and the value that readers are given."""

    kept: Kept
    app: TrueApp
    turns: tuple[Turn, ...]
    served_hash: str
    overlaps_s: list[float]

    def wrongs(self) -> Iterator[str]:
        """Tell all that is wrong."""
        hashes = [secret.hash for secret in self.app.secrets]
        ours = [turn.new.hash for turn in self.turns if turn.new]
        finished = {turn.new.hash for turn in self.turns if turn.new and turn.phase == "finished"}
        if set(hashes[1:]) - set(ours):
            yield "Okta was given a client secret that no turn knows"
        if len(set(hashes)) < len(hashes):
            yield "the same client secret was added twice"
        if finished - set(hashes):
            yield "a turn has finished whose client secret Okta never had"
        left = [(s.hash, s.status) for s in self.app.secrets if s.status != "DELETED"]
        if left != [(self.served_hash, "ACTIVE")]:
            yield f"what is served is not the one client secret left: {[s for _, s in left]}"
        if any(overlap_s < OVERLAP_S for overlap_s in self.overlaps_s):
            yield f"an overlap of {min(self.overlaps_s)} s was too short"


def cases(org: Org, kept: list[Kept], found: Found, served: dict[str, str]) -> list[Case]:
    """Return the case of every app; ``served`` holds values by the names that they are read by."""
    truth = Truth.model_validate(org.truth())
    apps = {app.id: app for app in truth.apps}
    return [
        Case(
            each,
            apps[each.app_id],
            tuple(turn for turn in found.turns if turn.rotation_id == each.rotation_id),
            hash_secret(served[each.name]),
            measure_overlaps_s(History(apps[each.app_id].secrets, truth.now)),
        )
        for each in kept
    ]


def wrongs_of(found: Found, each_app: list[Case]) -> Iterator[str]:
    """Tell all that is wrong with what an installation and its org have come to."""
    for case in each_app:
        yield from (f"{case.kept.name}: {wrong}" for wrong in case.wrongs())
    for turn in found.turns:
        if turn.open:
            yield f"turn {turn.id} has not ended: {turn.phase} {turn.blocked or ''}"
    for step in found.steps:
        if step.step == "blocked":
            yield f"turn {step.turn_id} was blocked: {step.detail}"
    try:
        verify_chain(found.audit)
    except ChainBroken as broken:
        yield broken.message
