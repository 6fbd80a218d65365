"""The words of notices: what has happened, what it means, and what to do, for people.

Decides on texts alone; how they look in a letter or a chat is the business of who brings them. No
name of anything can end a line or turn the direction of a text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from keyturn.domain.notice import Kind, Notice
from keyturn.domain.oauth.lights import Light

TITLE_MAX = 150
"""As long as a title may be at its receivers (Slack, "Header block")."""
DIGEST_MAX = 50
"""As many notices as a digest spells out."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


@dataclass(frozen=True)
class Message:
    """What people read: a title, paragraphs, facts by name, a page, and a command."""

    title: str
    text: Sequence[str]
    facts: Sequence[tuple[str, str]] = ()
    link: str = ""
    command: str = ""


TITLES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UPCOMING: "{subject} turns at {when}",
        Kind.DEFERRED: "The turn of {subject} is put off",
        Kind.STARTED: "{subject} is turning",
        Kind.BLOCKED: "{subject} is blocked: somebody has to act",
        Kind.REINSTATED: "The old secret of {subject} works again",
        Kind.FINISHED: "{subject} has turned",
        Kind.ROLLED_BACK: "The turn of {subject} was taken back",
        Kind.CONNECTION_HEALTH: "Connection {subject} is {after}",
        Kind.SECRET_REJECTED: "The secret of client {subject} is rejected",
        Kind.SECRET_REPLACED: "Client {subject} uses a secret that was replaced",
        Kind.SECRET_ACCEPTED: "The secret of client {subject} is accepted again",
        Kind.ACCESS_FAILS: "Keyturn cannot use Okta connection {subject}",
        Kind.ACCESS_WORKS: "Okta connection {subject} works again",
        Kind.ACCESS_EXPIRES: "{subject} expires at {when}",
        Kind.LEAKED: "A secret of {subject} is reported as leaked",
        Kind.BREACH: "{subject}: a compliance policy is broken",
        Kind.EXCEPTION_EXPIRES: "The exception for {subject} ends at {when}",
        Kind.INVENTORY_FAILS: "The inventory of {subject} is not kept up",
        Kind.ROLLOUT_HALTED: "Rollout {subject} has halted",
        Kind.ROLLOUT_AWAITS: "Rollout {subject} waits for an approval",
        Kind.ROLLOUT_FINISHED: "Rollout {subject} has finished",
        Kind.NOT_CLOSED: "{subject} is NOT CLOSED: somebody has to act",
        Kind.EMERGENCY_FINISHED: "Emergency {subject} is over",
    }
)

MEANS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UPCOMING: "Readers by name are given the new secret by themselves. Whoever has copied "
        "a value must take the new one while both work.",
        Kind.DEFERRED: "Nothing was changed at Okta; the secret that is served works on. Nobody "
        "has to do anything, unless the turn has to come earlier.",
        Kind.STARTED: "A new secret is issued beside the old one; both work until the overlap is "
        "over. Nobody has to do anything.",
        Kind.BLOCKED: "The turn stands still and goes on once somebody has acted.",
        Kind.REINSTATED: "Somebody still needs the old secret, so that both work again. Whoever "
        "uses the old one must take the new one; the turn goes on when nobody does.",
        Kind.FINISHED: "Readers are given the new secret, and the old one is gone. Nobody has to "
        "do anything.",
        Kind.ROLLED_BACK: "The new secret was removed at Okta, and the one that was served before "
        "works on.",
        Kind.CONNECTION_HEALTH: "It concerns every request that is made with this connection.",
        Kind.SECRET_REJECTED: "No connection of this client can be renewed: each fails when its "
        "token ends. Give the registration the secret that its server accepts.",
        Kind.SECRET_REPLACED: "It works until the replaced secret is retired. Let the registration "
        "refer to the rotation, or give it the new value.",
        Kind.SECRET_ACCEPTED: "The connections of this client are renewed again.",
        Kind.ACCESS_FAILS: "What Okta has is not compared, and no secret of this connection can "
        "turn. What is served works on. Look at the connection's credentials and at the network.",
        Kind.ACCESS_WORKS: "Turns and comparisons go on by themselves.",
        Kind.ACCESS_EXPIRES: "Whoever gets in by it no longer does then. Renew it before that.",
        Kind.LEAKED: "Whoever has the value can act as the app until the secret is deactivated. "
        "Turn it as an emergency, unless the report is wrong.",
        Kind.BREACH: "Nothing stops working by it. Turn or correct what was found, or write an "
        "exception with its reason.",
        Kind.EXCEPTION_EXPIRES: "What it excuses is a finding again then. Correct it before, or "
        "have the exception approved anew.",
        Kind.INVENTORY_FAILS: "What is shown of the org's apps may be old, and new apps are not "
        "seen.",
        Kind.ROLLOUT_AWAITS: "Nothing of that wave turns before somebody else than who started the "
        "rollout has approved it. What is served works on.",
        Kind.ROLLOUT_FINISHED: "Every rotation of it has turned or was left out. Nobody has to do "
        "anything.",
        Kind.NOT_CLOSED: "Whoever has the secret that has leaked can still use it. All other apps "
        "go on. Once what is in the way is gone, have the emergency try again.",
        Kind.EMERGENCY_FINISHED: "Consumers that did not have the new secret are refused until "
        "they read it. The evidence tells of each app what Okta has answered.",
        Kind.ROLLOUT_HALTED: "No further wave starts. What has turned is served and works. Look at "
        "what went wrong, then continue or abort the rollout.",
    }
)


def title_of(notice: Notice) -> str:
    """Return one line that says what a notice is of."""
    after = _LIGHTS.get(notice.after, "") if notice.after else ""
    when = _when(notice.comes_at) if notice.comes_at else "an unknown time"
    subject = line(notice.subject)
    return cut(TITLES[notice.kind].format(subject=subject, when=when, after=after), TITLE_MAX)


_LIGHTS = {Light.AT_RISK: "at risk", Light.BROKEN: "broken", Light.HEALTHY: "well again"}


def message_of(notice: Notice, public_url: str) -> Message:
    """Return what people read of one notice; ``public_url`` is where browsers find the pages."""
    return Message(
        title_of(notice),
        tuple(filter(None, (line(notice.told), MEANS[notice.kind]))),
        facts_of(notice),
        link_of(notice, public_url),
        line(notice.command),
    )


def digest_of(notices: Sequence[Notice], public_url: str) -> Message:
    """Return what people read of several notices that are brought together."""
    texts = [f"{_when(one.created_at)}  {_summary(one)}" for one in notices[:DIGEST_MAX]]
    more = len(notices) - DIGEST_MAX
    rest = (f"And {more} more: `keyturn notice list` has them all.",) if more > 0 else ()
    link = f"{public_url}/settings/notices" if public_url else ""
    return Message(f"{len(notices)} notices", (*texts, *rest), (), link, "keyturn notice list")


def trial_of(name: str, public_url: str) -> Message:
    """Return what people read when somebody tries a channel."""
    text = "Nothing has happened: somebody wanted to know whether what Keyturn tells arrives here."
    link = f"{public_url}/settings/channels" if public_url else ""
    return Message(cut(f"This is a test of channel {line(name)}", TITLE_MAX), (text,), (), link)


def link_of(notice: Notice, public_url: str) -> str:
    """Return the address of the page where it is seen, or nothing where browsers find none."""
    return f"{public_url}{notice.page}" if public_url and notice.page else ""


def facts_of(notice: Notice) -> Sequence[tuple[str, str]]:
    """Return where it is, and of which app, as far as that is known."""
    of = notice.of
    where = f"{of.project}/{of.environment}{of.path}" if of.environment else of.project
    named = f"{of.label} ({of.app})" if of.label and of.app else of.label or of.app
    facts = {
        "Where": where,
        "App": named,
        "Owner": of.owner,
        "Okta connection": of.connection,
        "Connections": str(notice.connections) if notice.connections != 1 else "",
        "When": _when(notice.comes_at) if notice.comes_at else "",
    }
    return [(name, line(text)) for name, text in facts.items() if text]


def line(text: str) -> str:
    """Return a text as one line, without what cannot be seen."""
    return _UNSEEN.sub(" ", text).strip()


def cut(text: str, longest: int) -> str:
    """Return a text that is not longer than that; one that was cut says so."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _summary(notice: Notice) -> str:
    where = next((text for name, text in facts_of(notice) if name == "Where"), "")
    told = cut(line(notice.told), 300)
    return ". ".join(filter(None, (f"{title_of(notice)}{f' ({where})' if where else ''}", told)))


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
