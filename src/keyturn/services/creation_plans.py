"""What creating a rotation will do, before it does it: call by call at Okta, and by each turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta_paths import COLLECTIONS, INTROSPECT_PATH
from keyturn.domain.rotation import Adopt, Rotation
from keyturn.services.onboarding import Prospect, RotationDraft, preview_rotation
from keyturn.services.plans import PlannedStep, steps_at_app, waits_of
from keyturn.services.ports import World


@dataclass(frozen=True)
class CreationPlan:
    """What creating a rotation will do at once, and what each turn of it will do."""

    of: Prospect
    now: Sequence[PlannedStep]
    turns: Sequence[PlannedStep]
    waits: str


async def plan_creation(world: World, caller: Caller, draft: RotationDraft) -> CreationPlan:
    """Tell what creating a rotation will do; nothing is stored, and Okta is only read.

    Raises as `create_rotation`, as far as that can be known before.
    """
    prospect, consent = await preview_rotation(world, caller, draft), draft.retire_existing
    return CreationPlan(
        prospect,
        steps_of_creation(prospect, retires=consent.id if consent else None),
        steps_at_app(prospect.rotation),
        waits_of(prospect.rotation),
    )


def steps_of_creation(
    prospect: Prospect, *, retires: CredentialId | None = None
) -> Sequence[PlannedStep]:
    """Return what creating a rotation does, with the calls at Okta.

    ``retires`` is what the app has and its owner has consented to the end of.
    """
    rules, at = prospect.rotation.kind.rules, _collection(prospect.rotation)
    probe = (f"POST {INTROSPECT_PATH}",)
    mapping = prospect.rotation.mapping
    steps = [PlannedStep(f"list the app's {rules.noun}s", (f"GET {at}",))]
    if isinstance(prospect.takes, Adopt) or prospect.takes is None:
        which = prospect.takes.secret.id if prospect.takes else "the one whose value is given"
        told = f"adopt {which}: make sure that Okta accepts it, by asking about a junk token"
        steps.append(PlannedStep(told, probe, "nothing changes at Okta"))
    else:
        whose = "of Keyturn's own value" if rules.own_value else "whose value Okta makes"
        told = f"add a {rules.noun} {whose}, beside what the app has"
        steps.append(PlannedStep(told, (f"POST {at}",)))
        steps.append(PlannedStep("ask about a junk token with it, until Okta accepts it", probe))
    served = f"serve {mapping.client_id} and {mapping.client_secret} in {prospect.place}"
    return [*steps, PlannedStep(served), *_retiring(prospect.rotation, retires)]


def _retiring(rotation: Rotation, retires: CredentialId | None) -> Iterable[PlannedStep]:
    if retires is None:
        return
    one, policy = f"{_collection(rotation)}/{retires}", rotation.policy
    yield PlannedStep(
        f"after the overlap ({policy.overlap_s} s at least), deactivate {retires}",
        (f"POST {one}/lifecycle/deactivate",),
    )
    yield PlannedStep(f"after the soak ({policy.soak_s} s), delete it", (f"DELETE {one}",))


def _collection(rotation: Rotation) -> str:
    return COLLECTIONS[rotation.kind].format(rotation.app_id)
