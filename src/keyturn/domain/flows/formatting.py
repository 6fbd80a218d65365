"""The one way in which a flow's file is written.

Decides what stands on one line and what is quoted, so that a small change in a flow is a small
change in its file. Keeps comments, and a blank line between two things. In which order things
stand, `arranging` knows.
"""

import json
import re
from typing import Final

from keyturn.domain.flows.arranging import Piece, arrange, pieces_of
from keyturn.domain.flows.yaml_text import TEXT_MAX, Leaf, NoYaml, parse_commented

WIDTH: Final = 80
_INDENT: Final = 2
_SAFE = r"\w /.@+=()%;$!*<>~^'\"\-"
_PLAIN: Final = re.compile(rf"(?:[^\W\d]|/)[{_SAFE},?]*(?<! )")
"""Texts that no reader takes for anything else, but for `_WORDS`."""
_PLAIN_INSIDE: Final = re.compile(rf"(?:[^\W\d]|/)[{_SAFE}]*(?<! )")
"""The same between braces or brackets, where some readers end a text at a question mark."""
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 or 1.2 takes for something else than a text, however it is capitalized."""
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LITERAL: Final = re.compile(
    r"[^\s](?:[\t -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\n])*"
)
_ONLY_SPACES: Final = re.compile(r"^[ \t]+$", re.MULTILINE)


def format_flow(text: str) -> str:
    """Return the text of a flow in its canonical form. Raises NoYaml."""
    text = text.removeprefix("\ufeff")
    node, comments = parse_commented(text)
    whole, after = pieces_of(text, node, comments)
    arrange(whole)
    page = _Page()
    page.whole(whole)
    page.lines += after
    written = "\n".join(page.lines) + "\n"
    if len(written) > TEXT_MAX:
        raise NoYaml(f"written out it would be longer than {TEXT_MAX:,} characters", 1)
    return written


class _Page:
    """Lines as they are written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def whole(self, piece: Piece) -> None:
        """Write the value that a file is."""
        self.lines += piece.before
        if piece.inner:
            self.lines += [piece.beside] if piece.beside else []
            self._members(piece, 0)
        else:
            self.lines.append(_behind(_short(piece, 0) or _scalar(piece.of), piece))

    def _members(self, piece: Piece, indent: int) -> None:
        if isinstance(piece.of, dict):
            members = [(f"{_quoted(name, inside=True)}:", each) for name, each in piece.of.items()]
        else:
            members = [("-", each) for each in piece.inner]
        for number, (lead, each) in enumerate(members):
            if each.spaced and number:
                self.lines.append("")
            self._member(lead, each, indent)

    def _member(self, lead: str, piece: Piece, indent: int) -> None:
        """Write a member behind its key, or an item behind its dash."""
        margin = " " * indent
        self.lines += (margin + comment if comment else "" for comment in piece.before)
        short = _short(piece, indent + len(lead) + 1)
        if short is not None:
            self.lines.append(_behind(f"{margin}{lead} {short}", piece))
        elif isinstance(piece.of, str):
            self._literal(f"{margin}{lead} |", piece, margin + " " * _INDENT)
        elif lead == "-":
            self._item(piece, indent)
        else:
            self.lines.append(_behind(margin + lead, piece))
            self._members(piece, indent + (_INDENT if isinstance(piece.of, dict) else 0))

    def _item(self, piece: Piece, indent: int) -> None:
        """Write an item of several lines, the first behind its dash, comments before that."""
        margin, start = " " * indent, len(self.lines)
        self._members(piece, indent + _INDENT)
        inner, self.lines = self.lines[start:], self.lines[:start]
        first = next(number for number, line in enumerate(inner) if line.lstrip()[0] != "#")
        comments = [*([piece.beside] if piece.beside else []), *map(str.lstrip, inner[:first])]
        self.lines += (margin + comment for comment in comments)
        self.lines.append(f"{margin}- {inner[first][indent + _INDENT :]}")
        self.lines += inner[first + 1 :]

    def _literal(self, lead: str, piece: Piece, margin: str) -> None:
        text = str(piece.of)
        self.lines.append(_behind(lead if text.endswith("\n") else f"{lead}-", piece))
        lines = text.removesuffix("\n").split("\n")
        self.lines += (margin + line if line else "" for line in lines)


def _behind(line: str, piece: Piece) -> str:
    return f"{line}  {piece.beside}" if piece.beside else line


def _short(piece: Piece, column: int) -> str | None:
    """Return a value as it stands on one line from a column on; None for one that takes more.

    Values in braces and brackets are scalars or empty; a card takes a line for each of its parts.
    """
    if not piece.inner:
        return None if _is_literal(piece.of) else _scalar(piece.of)
    inner = piece.inner
    if len(inner) > WIDTH or not all(map(_fits_inside, inner)):
        return None
    if isinstance(piece.of, dict):
        members = (f"{_quoted(name, inside=True)}: {_inside(e)}" for name, e in piece.of.items())
        line = f"{{{', '.join(members)}}}"
        return line if column + len(line) <= WIDTH and "card" not in piece.of else None
    line = f"[{', '.join(map(_inside, inner))}]"
    return line if column + len(line) <= WIDTH else None


def _fits_inside(piece: Piece) -> bool:
    commented = piece.before or piece.beside
    return not (commented or piece.inner or _is_literal(piece.of))


def _inside(piece: Piece) -> str:
    return _quoted(piece.of, inside=True) if isinstance(piece.of, str) else _scalar(piece.of)


def _is_literal(of: object) -> bool:
    """Say whether a value is a text of several lines that stands there as it is."""
    if not isinstance(of, str) or "\n" not in of or of.endswith("\n\n"):
        return False
    return bool(_LITERAL.fullmatch(of)) and not _ONLY_SPACES.search(of)


def _scalar(of: "dict[str, Piece] | list[Piece] | Leaf") -> str:
    match of:
        case dict():
            return "{}"
        case list():
            return "[]"
        case str():
            return _quoted(of, inside=False)
        case float():
            return _number(of)
        case _:
            return json.dumps(of)


def _number(of: float) -> str:
    """Return a number as YAML 1.1 knows it, which has a point in every one with an exponent."""
    digits, exponent, power = repr(of).partition("e")
    return f"{digits}{'' if '.' in digits else '.0'}{exponent}{power}"


def _quoted(text: str, *, inside: bool) -> str:
    plain = _PLAIN_INSIDE if inside else _PLAIN
    if plain.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _ESCAPED.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
