"""Messages as chats show them: Slack's blocks, and the Adaptive Cards of Teams.

Texts are put where a chat reads no markup, so that no name of anything becomes a link, or calls
everybody.
"""

from collections.abc import Mapping, Sequence

from keyturn.domain.notice_words import TITLE_MAX, Message, cut

SECTION_MAX = 3000
BLOCKS_MAX = 45
"""Slack takes 50 blocks a message (docs.slack.dev, "Blocks")."""


def for_slack(message: Message) -> Mapping[str, object]:
    """Return the body for an incoming webhook (docs.slack.dev, "Incoming webhooks")."""
    blocks: list[Mapping[str, object]] = [
        {"type": "header", "text": _plain(cut(message.title, TITLE_MAX))}
    ]
    blocks += [_section(each) for each in _joined(message.text)]
    facts = [f"{name}: {text}" for name, text in message.facts]
    blocks += [_section("\n".join(facts))] if facts else []
    if message.link:
        link = {"type": "mrkdwn", "text": f"<{_escaped(message.link)}|Open in Keyturn>"}
        blocks.append({"type": "section", "text": link})
    if message.command:
        blocks.append({"type": "context", "elements": [_plain(cut(message.command, 2000))]})
    return {"text": _escaped(message.title), "blocks": blocks}


def for_teams(message: Message) -> Mapping[str, object]:
    """Return the body for a webhook of Workflows.

    Source: learn.microsoft.com, "Create incoming webhooks with Workflows", and adaptivecards.io.
    """
    body: list[Mapping[str, object]] = [_runs(message.title, bold=True)]
    body += [_runs(each) for each in message.text]
    body += [_runs(f"{name}: {text}") for name, text in message.facts]
    body += [_runs(message.command, mono=True)] if message.command else []
    actions = [{"type": "Action.OpenUrl", "title": "Open in Keyturn", "url": message.link}]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions if message.link else [],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _joined(texts: Sequence[str]) -> Sequence[str]:
    """Return the texts in as few sections as hold them."""
    sections = [""]
    for text in texts:
        longer = f"{sections[-1]}\n{text}".strip()
        if len(longer) <= SECTION_MAX:
            sections[-1] = longer
        else:
            sections.append(cut(text, SECTION_MAX))
    return [each for each in sections[:BLOCKS_MAX] if each]


def _plain(text: str) -> Mapping[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(text: str) -> Mapping[str, object]:
    return {"type": "section", "text": _plain(cut(text, SECTION_MAX))}


def _escaped(text: str) -> str:
    """Escape what Slack reads as markup (docs.slack.dev, "Formatting message text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _runs(text: str, *, bold: bool = False, mono: bool = False) -> Mapping[str, object]:
    """Return a paragraph; a TextRun knows no Markdown, as a TextBlock does."""
    run: dict[str, object] = {"type": "TextRun", "text": text}
    run |= {"weight": "Bolder", "size": "Medium"} if bold else {}
    run |= {"fontType": "Monospace"} if mono else {}
    return {"type": "RichTextBlock", "inlines": [run]}
