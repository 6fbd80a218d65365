"""Break the rules of a turn, one at a time, and see that a unit test fails each time.

Usage: mutate.py [CHILDREN]. mutmut makes the mutants and runs them, all in a copy of the checkout;
which rules and which tests says ``tool.mutmut`` in pyproject.toml. Two things that it leaves out
are added here: the removal of a guard, and the bodies of properties. A survivor that is not
explained in docs/proof.md fails the run, and so does an explanation without a survivor.
"""

import ast
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

import libcst as cst
from mutmut.__main__ import _run, collect_source_file_mutation_data
from mutmut.configuration import config, reset_config
from mutmut.mutation.diff_apply import read_functions_from_index
from mutmut.mutation.mutators import mutation_operators
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "proof.md"
EXPLAINED = re.compile(r"^\| `(\S+)` \| `(.+?)` → `(.*?)` \|", re.MULTILINE)
CAUGHT = {"killed", "timeout"}


@dataclass(frozen=True, order=True)
class Mutant:
    """One broken rule: the lines of a function that differ.

    By this the page knows it; mutmut's own names change with every line that is added.
    """

    where: str
    was: str
    now: str


# --- what mutmut leaves out ---------------------------------------------------------------------


def without_guard(node: cst.If) -> Iterator[cst.If]:
    """Take a guard away, and let it strike always."""
    for word in ("False", "True"):
        yield node.with_changes(test=cst.Name(word))


def one_side(node: cst.BooleanOperation) -> Iterator[cst.BaseExpression]:
    """Take one of two conditions away."""
    for side in (node.left, node.right):
        yield side.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def without_filter(node: cst.CompFor) -> Iterator[cst.CompFor]:
    """Let a comprehension take what it leaves out."""
    for number in range(len(node.ifs)):
        yield node.with_changes(ifs=[*node.ifs[:number], *node.ifs[number + 1 :]])


GUARDS = [
    (cst.If, without_guard),
    (cst.BooleanOperation, one_side),
    (cst.CompFor, without_filter),
]


def undecorated(text: str) -> str:
    """Write a property as a method that the next line makes one: decorated, it is left out."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and lines[node.lineno - 2].strip() == "@property":
            lines[node.lineno - 2] = ""
            lines[(node.end_lineno or 0) - 1] += f"\n    {node.name} = property({node.name})"
    return "\n".join(lines) + "\n"


# --- the run ------------------------------------------------------------------------------------


def copy_checkout(folder: Path) -> None:
    """Copy what the tests of the rules need."""
    for name in ("docs", "src", "tests/kits", "tests/unit"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, folder / name)


def run(folder: Path, children: int) -> list[tuple[Mutant, bool]]:
    """Make and run the mutants of a copy of the checkout; say of each whether it was caught."""
    os.chdir(folder)
    reset_config()
    for path in config().source_paths:
        path.write_text(undecorated(path.read_text(encoding="utf-8")), encoding="utf-8")
    mutation_operators.extend(GUARDS)  # type: ignore[attr-defined]  # a list, declared as less
    _run((), children)
    ran, _ = collect_source_file_mutation_data(mutant_names=())
    return [
        (read_mutant(name, Path(data.path)), status_by_exit_code[code] in CAUGHT)
        for data, name, code in ran
    ]


def read_mutant(name: str, path: Path) -> Mutant:
    """Read what mutmut has made of a function."""
    functions = read_functions_from_index(name, path)
    if functions is None:
        raise LookupError(f"mutmut has lost {name}")
    was, now = (cst.Module([function]).code.strip().splitlines() for function in functions)
    changed = list(ndiff(was, now))
    gone, come = (
        " ".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+"
    )
    function, owner = orig_function_and_class_names_from_key(name)
    return Mutant(".".join(part for part in (path.stem, owner, function) if part), gone, come)


# --- the report ---------------------------------------------------------------------------------


def print_score(ran: list[tuple[Mutant, bool]]) -> None:
    """Print how many mutants each module has, and how many were caught."""
    modules = sorted({mutant.where.partition(".")[0] for mutant, _ in ran})
    print("| module | mutants | caught | score |\n| --- | --- | --- | --- |")
    for module in [*modules, ""]:
        caught = [it for mutant, it in ran if mutant.where.startswith(module)]
        score = 100 * sum(caught) / len(caught)
        print(f"| {module or 'all'} | {len(caught):,} | {sum(caught):,} | {score:.1f} % |")


def faults(ran: list[tuple[Mutant, bool]], page: str) -> Iterator[str]:
    """List the survivors that a page does not explain, and what it explains in vain."""
    explained = {Mutant(*cells) for cells in EXPLAINED.findall(page.replace(r"\|", "|"))}
    survivors = {mutant for mutant, caught in ran if not caught}
    for mutant in sorted(survivors - explained):
        yield f"survived, and not explained: {mutant.where}\n  {mutant.was}\n  {mutant.now}"
    for mutant in sorted(explained - survivors):
        yield f"explained, and no survivor: {mutant.where}\n  {mutant.was}\n  {mutant.now}"


def main() -> None:
    """Run all mutants and print the score; exit with 1 where page and survivors differ."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy_checkout(Path(folder))
        ran = run(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 2)
        os.chdir(ROOT)
    print_score(ran)
    found = list(faults(ran, PAGE.read_text(encoding="utf-8")))
    print(*found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
