"""Measure Python code and print the figures beside those of codebases we look up to.

Usage: measure.py FOLDER... This script counts and refuses to judge: a figure that leaves its range
is a question for the review. What must never happen is refused by a test or the import contract.
"""

import ast
import re
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
SCOPE = Function | ast.ClassDef
BRANCH = (
    ast.If
    | ast.For
    | ast.AsyncFor
    | ast.While
    | ast.ExceptHandler
    | ast.IfExp
    | ast.Assert
    | ast.comprehension
    | ast.match_case
)
NEST = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.Match
MOCK = re.compile(r"\bmock\.|MagicMock|\bMock\(|patch\(|mocker\.|monkeypatch\.setattr")
IGNORE = re.compile(r"#\s*(type: ignore|noqa)")

# Medians, with the least and greatest in brackets, of ten well-loved open-source codebases.
COMPANY = {
    "files": "",
    "file lines p50": "146 (45-273)",
    "file lines p90": "464 (239-723)",
    "body lines p50": "6.5 (4-9)",
    "body lines p90": "27.5 (16-39)",
    "body lines max": "",
    "bodies over 50 lines %": "2 (0-6.9)",
    "cyclomatic p90": "5.5 (4-8)",
    "cyclomatic over 10 %": "1.5 (0-6.2)",
    "nesting over 3 %": "0.5 (0-5.4)",
    "arguments p90": "3 (2-5)",
    "annotated %": "97 (57-100)",
    "public docstrings %": "71 (29-99)",
    "ignores per 1,000 lines": "4.3 (1-12)",
    "broad excepts": "8-21 % of handlers",
    "mocks per 1,000 lines": "0-6 (tests, with a simulator)",
}


@dataclass(frozen=True, slots=True)
class Body:
    """What is counted of one function."""

    lines: int
    complexity: int
    depth: int
    arguments: int
    annotated: bool
    public: bool
    documented: bool


@dataclass(slots=True)
class Tally:
    """What is counted of one folder, file by file."""

    file_lines: list[int] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    code_lines: int = 0
    broad: int = 0
    ignores: int = 0
    mocks: int = 0

    def add(self, text: str) -> None:
        """Count one file's text."""
        nodes = list(ast.walk(ast.parse(text)))
        self.file_lines.append(len(text.splitlines()))
        self.code_lines += sum(bool(line.strip()) for line in text.splitlines())
        self.bodies += [measured(node) for node in nodes if isinstance(node, Function)]
        self.broad += sum(isinstance(node, ast.ExceptHandler) and is_broad(node) for node in nodes)
        self.ignores += len(IGNORE.findall(text))
        self.mocks += len(MOCK.findall(text))


def measured(function: Function) -> Body:
    """Count one function."""
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [a for a in named if a.arg not in {"self", "cls"}]
    return Body(
        lines=body_lines(function),
        complexity=complexity(function),
        depth=depth(function),
        arguments=len(named),
        annotated=function.returns is not None and all(a.annotation for a in named),
        public=not function.name.startswith("_"),
        documented=ast.get_docstring(function) is not None,
    )


def own(node: ast.AST) -> Iterator[ast.AST]:
    """List what belongs to a node itself, not to functions and classes defined in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, SCOPE):
            yield child
            yield from own(child)


def complexity(function: Function) -> int:
    """Count the ways through a function: one, and one more for each branch."""
    ways = 1
    for node in own(function):
        ways += isinstance(node, BRANCH)
        ways += len(node.ifs) if isinstance(node, ast.comprehension) else 0
        ways += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
    return ways


def depth(node: ast.AST, so_far: int = 0) -> int:
    """Count how deep blocks stand in one another; an elif stands beside its if."""
    deepest = so_far
    for child in ast.iter_child_nodes(node):
        if isinstance(child, SCOPE | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child, so_far + (isinstance(child, NEST) and not is_elif)))
    return deepest


def body_lines(function: Function) -> int:
    """Count a function's lines from its def, without its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return span(function) - (span(first) if documented else 0)


def span(node: ast.stmt) -> int:
    """Count the lines a statement covers."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Tell whether an except clause catches what it cannot name."""
    return handler.type is None or getattr(handler.type, "id", "") in {"Exception", "BaseException"}


def percentile(values: list[int], rank: int) -> float:
    """Read the value below which `rank` percent of the values lie; 0 of nothing."""
    if len(values) < 2:
        return float(sum(values))
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]


def percent(flags: Iterable[bool]) -> float:
    """Read how many percent of the flags are set; 0 of nothing."""
    listed = list(flags)
    return 100 * sum(listed) / max(len(listed), 1)


def figures(folder: Path) -> dict[str, float]:
    """Measure every Python file under a folder, by the names of `COMPANY`."""
    tally = Tally()
    for path in sorted(folder.rglob("*.py")):
        tally.add(path.read_text(encoding="utf-8"))
    bodies, lines = tally.bodies, [body.lines for body in tally.bodies]
    per_1000 = 1000 / max(tally.code_lines, 1)
    return {
        "files": len(tally.file_lines),
        "file lines p50": percentile(tally.file_lines, 50),
        "file lines p90": percentile(tally.file_lines, 90),
        "body lines p50": percentile(lines, 50),
        "body lines p90": percentile(lines, 90),
        "body lines max": max(lines, default=0),
        "bodies over 50 lines %": percent(n > 50 for n in lines),
        "cyclomatic p90": percentile([body.complexity for body in bodies], 90),
        "cyclomatic over 10 %": percent(body.complexity > 10 for body in bodies),
        "nesting over 3 %": percent(body.depth > 3 for body in bodies),
        "arguments p90": percentile([body.arguments for body in bodies], 90),
        "annotated %": percent(body.annotated for body in bodies),
        "public docstrings %": percent(body.documented for body in bodies if body.public),
        "ignores per 1,000 lines": per_1000 * tally.ignores,
        "broad excepts": tally.broad,
        "mocks per 1,000 lines": per_1000 * tally.mocks,
    }


def main() -> None:
    """Print one column of figures for each folder named on the command line."""
    folders = [Path(name) for name in sys.argv[1:]]
    columns = [figures(folder) for folder in folders]
    print(f"{'':<25}", *(f"{folder.name:>8}" for folder in folders), " the company we keep")
    for name, company in COMPANY.items():
        print(f"{name:<25}", *(f"{column[name]:>8.4g}" for column in columns), f" {company}")


if __name__ == "__main__":
    main()
