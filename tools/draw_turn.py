"""Draw the phases of a turn from the table of moves.

Usage: draw_turn.py [PAGE]

Without PAGE the diagram is printed; with it the diagram in that page is brought up to date.
"""

import re
import sys
from pathlib import Path

from keyturn.domain.turn import ENDED, MOVES, Act, Phase

BLOCK = re.compile(r"```mermaid\n.*?```", re.DOTALL)


def diagram() -> str:
    """Render the table of moves as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> planned"]
    lines += [
        f"    {at} --> {to}: {act}"
        for at, moves in MOVES.items()
        for act, to in moves.items()
        if act is not Act.BLOCK
    ]
    lines += [f"    {at} --> blocked: {Act.BLOCK}" for at in MOVES if Act.BLOCK in MOVES[at]]
    lines += [f"    {at} --> [*]" for at in Phase if at in ENDED]
    return "\n".join([*lines, "```"])


def redrawn(page: str) -> str:
    """Return a page with its diagram as the table has it now."""
    return BLOCK.sub(lambda _: diagram(), page, count=1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        path.write_text(redrawn(path.read_text()))
    else:
        print(diagram())
