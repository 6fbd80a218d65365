"""Flows, their versions, and their runs (ours)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from keyturn.wire.base import FolderPath, Instant, Text, Wire

SOURCE_MAX = 900_000
GIVEN_MAX = 1000
BESIDE_MAX = 1000
WAIT_MAX_S = 60
NUMBER_MAX = 2**31 - 1

Source = Annotated[str, StringConstraints(min_length=1, max_length=SOURCE_MAX)]
Number = Annotated[int, Field(ge=0, le=NUMBER_MAX)]
Start = Literal["api_endpoint", "schedule", "event", "helper", "delegated"]
Security = Literal["public", "client_token", "oauth2"]
Phase = Literal["running", "sleeping", "finished", "failed", "cancelled"]
RunEvent = Literal["started", "sleeping", "resumed", "ended"]
Cause = Literal["invoked", "scheduled", "by_event", "by_hand", "by_flow", "replayed"]


class SaveFlow(Wire):
    """A flow's file, to be saved in a folder under the name that it has in itself.

    ``base`` is the version that it was made from: it is refused where another one came since.
    """

    project_id: Text
    environment: Text
    secret_path: FolderPath = "/"
    source: Source
    base: Number | None = None


class CheckFlow(Wire):
    """A flow's file, to be held against what there is in a folder; nothing is saved.

    ``beside`` are the names of flows that are going to be there as well.
    """

    project_id: Text
    environment: Text
    secret_path: FolderPath = "/"
    source: Source
    beside: Annotated[tuple[Text, ...], Field(max_length=BESIDE_MAX)] = ()


class FlowFinding(Wire):
    """One thing that is wrong in a flow's file, or doubtful."""

    line: int
    where: str
    severity: Literal["error", "warning"]
    rule: str


class FlowCheckAnswer(Wire):
    """What was found; ``unchecked`` is what the file names that the caller may not look at."""

    findings: tuple[FlowFinding, ...]
    unchecked: tuple[str, ...]


class SwitchFlow(Wire):
    """Switch a flow on or off."""

    enabled: bool


class RunFlow(Wire):
    """Run a flow by hand.

    ``given`` are the inputs of a helper, and what any other flow starts with. Its answer is waited
    for as long as ``waitS`` says.
    """

    given: Annotated[dict[str, JsonValue], Field(max_length=GIVEN_MAX, repr=False)] = Field(
        default_factory=dict
    )
    wait_s: Annotated[float, Field(ge=0, le=WAIT_MAX_S)] = 0


class ReplayRun(Wire):
    """Run a run again; from a card on, by its id, what was before stays as it was."""

    from_card: Text | None = None


class Flow(Wire):
    """A flow; ``version`` is the number of the version that is shown, ``newest`` of the newest.

    ``invokeUrl`` is its endpoint, where it has one, or where Okta's event hooks deliver;
    ``hasToken`` says that a client token was made. Where this version of Keyturn cannot read the
    file any more, ``problem`` says why, and what is in it is not told.
    """

    id: str
    name: str
    description: str
    project_id: str
    environment: str
    secret_path: str
    enabled: bool
    start: Start | None
    security: Security | None
    invoke_url: str | None
    has_token: bool
    cards: int
    connections: tuple[str, ...]
    problem: str = ""
    newest: int
    version: int
    next_at: Instant | None
    created_at: Instant
    updated_at: Instant
    source: str | None = None


class FlowAnswer(Wire):
    """One flow."""

    flow: Flow


class FlowsAnswer(Wire):
    """The flows of a project, without their files."""

    flows: tuple[Flow, ...]


class FlowVersion(Wire):
    """One version of a flow, with its file."""

    version: int
    author: str
    created_at: Instant
    source: str


class FlowVersionsAnswer(Wire):
    """The versions of a flow, the oldest first."""

    versions: tuple[FlowVersion, ...]


class ClientTokenAnswer(Wire):
    """The token that opens a flow's endpoint, shown this once."""

    flow: Flow
    client_token: str = Field(repr=False)


class Run(Wire):
    """One execution of a flow; ``failure`` is the kind of what halted it, and ``told`` says more.

    ``by`` says who started it, ``status`` is that of its answer.
    """

    id: str
    flow_id: str
    flow_name: str
    version: int
    cause: Cause
    by: str
    phase: Phase
    created_at: Instant
    ended_at: Instant | None
    wake_at: Instant | None
    steps: int
    status: int | None
    failure: str
    told: str


class RunTold(Wire):
    """What has come of a run, for whoever follows; nothing of what its cards took or gave.

    ``failure`` is the kind of what halted it, and ``card`` the id of the card that failed;
    ``status`` is that of its answer.
    """

    event: RunEvent
    run_id: str
    flow_id: str
    flow_name: str
    environment: str
    secret_path: str
    version: int
    cause: Cause
    phase: Phase
    started_at: Instant
    wake_at: Instant | None
    ended_at: Instant | None
    duration_s: float | None
    steps: int
    status: int | None
    failure: str
    card: str


class Step(Wire):
    """What one card took and gave; what may not be seen is masked.

    Without ``endedAt`` it is under way, or the run was ended meanwhile: its error says so.
    """

    position: str
    card_id: str
    card: str
    began_at: str
    ended_at: str | None
    inputs: JsonValue
    outputs: JsonValue
    error: JsonValue = None


class Result(Wire):
    """What a run answered, in full; a text as it is where ``raw``."""

    status: int
    headers: Mapping[str, str]
    body: JsonValue = Field(repr=False)
    raw: bool


class RunAnswer(Wire):
    """One run."""

    run: Run


class RunsAnswer(Wire):
    """Runs of a flow, the newest first."""

    runs: tuple[Run, ...]


class RunStepsAnswer(Wire):
    """One run, card by card."""

    run: Run
    steps: tuple[Step, ...]


class RunResultAnswer(Wire):
    """One run, and what it answered; null before its end."""

    run: Run
    result: Result | None


class CardInput(Wire):
    """Something that a card takes."""

    name: str
    kind: str
    doc: str
    required: bool
    options: tuple[str, ...]


class CardOutput(Wire):
    """Something that a card gives."""

    name: str
    kind: str
    doc: str


class FlowCard(Wire):
    """A card as it is declared."""

    name: str
    doc: str
    effect: str
    inputs: tuple[CardInput, ...]
    outputs: tuple[CardOutput, ...]
    lanes: tuple[str, ...]
    connectors: tuple[str, ...]
    scopes: tuple[str, ...]


class FlowCardsAnswer(Wire):
    """Every card that flows can be made of."""

    cards: tuple[FlowCard, ...]
