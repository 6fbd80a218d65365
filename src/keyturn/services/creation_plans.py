"""What creating a rotation will do, before it does it: call by call at Okta, and by each turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller
from keyturn.domain.ids import CredentialId
from keyturn.domain.lengths import spoken
from keyturn.domain.okta import CredentialKind
from keyturn.domain.okta_paths import APP_PATHS, COLLECTIONS, INTROSPECT_PATH
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
    rotation, takes, adopts = prospect.rotation, prospect.takes, ""
    if isinstance(takes, Adopt) or takes is None:
        adopts = takes.secret.id if takes else "the one whose value is given"
    mapping = rotation.mapping
    served = f"serve {mapping.client_id} and {mapping.client_secret} in {prospect.place}"
    return [
        *steps_of_adoption(rotation.kind, rotation.app_id, adopts=adopts),
        PlannedStep(served),
        *_retiring(rotation, retires),
    ]


def steps_of_adoption(kind: CredentialKind, app: str, *, adopts: str = "") -> Sequence[PlannedStep]:
    """Return what taking an app over does at Okta, with the calls.

    ``adopts`` is the credential of the app that is served; without it one is added.
    """
    rules, at = kind.rules, COLLECTIONS[kind].format(app)
    itself, probe = f"GET {APP_PATHS[kind].format(app)}", (f"POST {INTROSPECT_PATH}",)
    seen = PlannedStep(f"read the app, and list its {rules.noun}s", (itself, f"GET {at}"))
    if adopts:
        told = f"adopt {adopts}: make sure that Okta accepts it, by asking about a junk token"
        return [seen, PlannedStep(told, probe, "nothing changes at Okta")]
    whose = "of Keyturn's own value" if rules.own_value else "whose value Okta makes"
    told = f"look again, and add a {rules.noun} {whose}, beside what the app has"
    return [
        seen,
        PlannedStep(told, (f"GET {at}", itself, f"POST {at}")),
        PlannedStep("ask about a junk token with it, until Okta accepts it", probe),
    ]


def _retiring(rotation: Rotation, retires: CredentialId | None) -> Iterable[PlannedStep]:
    if retires is None:
        return
    one, policy = f"{_collection(rotation)}/{retires}", rotation.policy
    yield PlannedStep(
        f"after the overlap ({spoken(policy.overlap_s)} at least), deactivate {retires}",
        (f"POST {one}/lifecycle/deactivate",),
    )
    yield PlannedStep(f"after the soak ({spoken(policy.soak_s)}), delete it", (f"DELETE {one}",))


def _collection(rotation: Rotation) -> str:
    return COLLECTIONS[rotation.kind].format(rotation.app_id)
