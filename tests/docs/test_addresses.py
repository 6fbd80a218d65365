"""No file names where packages are downloaded from, or where somebody's checkout lies."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together from parts, so that this file passes its own test.
HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
        ("ftp", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("githubusercontent", "com"),
    ]
]
OPTIONS = ["--index" + "-url", "--extra-index" + "-url", "--find" + "-links"]
SETTINGS = ["INDEX" + "_URL", "FIND" + "_LINKS"]
FOLDERS = ["home", "Users", "root", "wor" + "k", "far" + "m", "opt/py" + "pi", "opt/wh" + "eels"]

PARTS = [*HOSTS, *OPTIONS, *SETTINGS, *(f"/{folder}/" for folder in FOLDERS)]
ADDRESS = re.compile(
    "|".join(
        [
            *(re.escape(host) for host in HOSTS),
            *(rf"{option}[ =]" for option in OPTIONS),
            *(rf"(?:PIP|UV)_(?:EXTRA_)?{setting}" for setting in SETTINGS),
            rf"(?<![\w.~}}/-])/(?:{'|'.join(FOLDERS)})/[\w.]",
        ]
    )
)


def addresses(text: str) -> list[str]:
    """List what a text must not name; to look for plain parts first spares most of the search."""
    return ADDRESS.findall(text) if any(part in text for part in PARTS) else []


def tracked() -> list[Path]:
    """List the files that are in the repository, or would be with the next commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_download_host_or_a_workplace() -> None:
    """Where packages come from, and where a checkout lies, is each machine's own business."""
    found = {
        str(path.relative_to(ROOT)): names
        for path in tracked()
        if (names := addresses(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def test_the_search_sees_the_repository() -> None:
    """A search that looked at nothing would find nothing."""
    lock = ROOT / "tests" / "peers" / "package-lock.json"
    assert {ROOT / "pyproject.toml", ROOT / "LICENSE", Path(__file__), lock} <= set(tracked())


@pytest.mark.parametrize(
    "text",
    [
        *(f"see https://files.{host}/x" for host in HOSTS),
        *(f"pip install {option} https://mirror.example/simple" for option in OPTIONS),
        *(f"export PIP_{setting}=https://mirror.example" for setting in SETTINGS),
        *(f"cd /{folder}/somebody/keyturn" for folder in FOLDERS),
    ],
)
def test_the_search_finds_each_kind_of_address(text: str) -> None:
    """Every host, option, setting and folder is found when it is there."""
    assert addresses(text)


@pytest.mark.parametrize(
    "text",
    [
        "uv pip compile --no-emit-index" + "-url",
        "https://org.example/home/oidc_client/0oa1/aln1",
        'f"{base}/home/oidc_client/0oa1"',
        "/var/lib/keyturn/root.key",
        "docs/home/index.md",
    ],
)
def test_the_search_leaves_ordinary_text_alone(text: str) -> None:
    """Okta's own links and the places where a server keeps its files are no addresses of ours."""
    assert addresses(text) == []
