"""The files by which Keyturn is run hold together: unit, image and manifests."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from keyturn import __version__
from keyturn.domain.channel_kinds import PORTS, Security
from keyturn.settings import CREDENTIALS, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVER = DEPLOY / "systemd" / "keyturn.service"
BACKUP = DEPLOY / "systemd" / "keyturn-backup.service"
UNITS = (SERVER, BACKUP)
TIMER = BACKUP.with_suffix(".timer")
IMAGE = DEPLOY / "container" / "Containerfile"
MANIFEST = DEPLOY / "kubernetes" / "keyturn.yaml"
NIGHTLY = DEPLOY / "kubernetes" / "backup.yaml"


def variables() -> set[str]:
    """Return the name of every setting's variable."""
    return {f"KEYTURN_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("path", [*UNITS, IMAGE, MANIFEST, NIGHTLY], ids=lambda path: path.name)
def test_settings_that_are_set_exist(path: Path) -> None:
    """No file sets a setting that Keyturn does not know, and none holds a credential."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\bKEYTURN_[A-Z_]+", text)) <= variables()
    values = dict(re.findall(r"^\s*(KEYTURN_[A-Z_]+): (.+)$", text, flags=re.MULTILINE))
    assert values.keys().isdisjoint(CREDENTIALS)


def test_no_file_takes_whatever_is_newest() -> None:
    """Every image is named by a version."""
    named = [line for path in (IMAGE, MANIFEST, NIGHTLY) for line in path.read_text().splitlines()]
    images = [line for line in named if re.match(r"\s*(ARG BASE=|image:)", line)]
    assert len(images) == 3
    assert all(re.search(r":[\w.]*\d[\w.-]*$", line) for line in images), images
    assert not any(":latest" in line for line in named)


# --- systemd --------------------------------------------------------------------------------------


def unit(path: Path) -> Mapping[str, str]:
    """Read a unit's settings; of one that is there twice the last."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_the_units_are_hardened(path: Path) -> None:
    """Each is nobody's user, writes its own directories alone, and can gain nothing."""
    told = unit(path)
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert told[name] == "yes", name
    assert told["ProtectSystem"] == "strict"
    assert told["CapabilityBoundingSet"] == ""
    assert told["StateDirectory"].split()[0] == "keyturn"
    assert told["StateDirectoryMode"] == "0700"
    assert "KEYTURN_DATA_DIR=/var/lib/keyturn" in told["Environment"]


def test_a_stop_has_time() -> None:
    """Turns in hand come to their next rest before the server is killed."""
    assert int(unit(SERVER)["TimeoutStopSec"]) >= 60


def test_the_timer_asks_for_a_backup_each_day() -> None:
    """By the unit of its name, which runs as the server does and ends."""
    told = unit(TIMER)
    assert (told["OnCalendar"], told["Persistent"]) == ("daily", "yes")
    assert "Unit" not in told
    backup, server = unit(BACKUP), unit(SERVER)
    assert backup["Type"] == "oneshot"
    assert [backup[name] for name in ("User", "UMask")] == [server["User"], server["UMask"]]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Systemd itself finds nothing wrong with them, and calls their exposure less than 2."""
    copies = [tmp_path / path.name for path in (*UNITS, TIMER)]
    for copy in copies:
        text = (DEPLOY / "systemd" / copy.name).read_text(encoding="utf-8")
        copy.write_text(text.replace("/opt/keyturn/bin/keyturn", "/bin/true"), encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", *copies], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    for copy in copies[: len(UNITS)]:
        judged = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", copy],
            capture_output=True,
            text=True,
            check=False,
        )
        assert judged.returncode == 0, judged.stdout[-400:]


# --- backups --------------------------------------------------------------------------------------


def by_systemd(folder: Path) -> str:
    """Return what the unit runs, one command behind the other, for a folder of the test's own."""
    told = unit(BACKUP)
    run = " && ".join(told[name] for name in ("ExecStart", "ExecStartPost"))
    run = run.replace("%%", "%").replace("$$", "$").replace("-name keyturn-*", "-name 'keyturn-*'")
    assert run.count("/var/lib/keyturn-backup") == 2
    found = run.replace("/opt/keyturn/bin/keyturn", "keyturn")
    return found.replace("/var/lib/keyturn-backup", str(folder))


def by_kubernetes(folder: Path) -> str:
    """Return what the nightly job runs, for a folder of the test's own."""
    [container] = nightly_pod()["spec"]["containers"]
    assert container["command"][:2] == ["sh", "-euc"]
    return f"set -eu; {container['command'][2]}".replace("/backups", str(folder))


@pytest.mark.slow
@pytest.mark.parametrize("way", [by_systemd, by_kubernetes])
def test_what_is_run_each_day_makes_a_backup(way: Callable[[Path], str], tmp_path: Path) -> None:
    """A new file each time; those older than a month go, and only once a new one is there."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {"PATH": path, "KEYTURN_DATA_DIR": str(tmp_path / "data"), "LC_ALL": "C.UTF-8"}
    subprocess.run(["keyturn", "init"], env=env, check=True, capture_output=True)
    kept, old, other = (
        tmp_path / "b" / f"{name}.backup" for name in ("keyturn-1", "keyturn-0", "x")
    )
    kept.parent.mkdir()
    for each, days in ((kept, 29), (old, 32), (other, 32)):
        each.touch()
        os.utime(each, (time.time() - days * 86_400,) * 2)
    run = partial(subprocess.run, ["sh", "-c", way(kept.parent)], capture_output=True, check=False)
    assert run(env=env).returncode != 0  # it has no passphrase
    assert {*kept.parent.iterdir()} == {kept, old, other}
    done = run(env=env | {"KEYTURN_BACKUP_PASSPHRASE": "several words that nobody guesses"})
    assert done.returncode == 0, done.stderr
    [made] = {*kept.parent.iterdir()} - {kept, other}
    assert re.fullmatch(r"keyturn-\d{4}-\d\d-\d\dT\d{4,6}\.backup", made.name)


# --- the image ------------------------------------------------------------------------------------


def test_the_image_is_made_of_what_is_there() -> None:
    """Whatever is copied is in the checkout, and is given to the build."""
    text = IMAGE.read_text(encoding="utf-8")
    given = (DEPLOY / "container" / "Containerfile.dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in given, source


def test_the_image_installs_by_hash_and_is_not_root() -> None:
    """Nothing comes from an index that is not in the lock, and a number says who it is."""
    text = IMAGE.read_text(encoding="utf-8")
    installs = re.findall(r"pip install (.+)", text)
    assert all(re.search(r"--require-hashes|--no-deps", line) for line in installs)
    assert re.search(r"^USER 10001:10001$", text, flags=re.MULTILINE)


def test_a_container_is_well_while_its_process_answers() -> None:
    """A database that is away is no reason to replace it."""
    [check] = re.findall(r"^HEALTHCHECK (?:.*\\\n)*.*$", IMAGE.read_text(), flags=re.MULTILINE)
    assert re.findall(r"http://127\.0\.0\.1:8701(/\w+)", check) == ["/healthz"]


# --- Kubernetes -----------------------------------------------------------------------------------


def manifests(path: Path = MANIFEST) -> Mapping[str, Any]:
    """Read the manifests of a file by their kind."""
    every = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return {one["kind"]: one for one in every}


def pod_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the pods are that serve."""
    template: Mapping[str, Any] = told["Deployment"]["spec"]["template"]
    return template


def nightly() -> Mapping[str, Any]:
    """Read the manifests of the nightly backup by their kind."""
    return manifests(NIGHTLY)


def nightly_pod() -> Mapping[str, Any]:
    """Return what the pods are that back up."""
    template: Mapping[str, Any] = nightly()["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    return template


def opened(policy: Mapping[str, Any]) -> set[int]:
    """Return the ports on which a network policy lets pods reach others, wherever those are."""
    return {
        at["port"] for rule in policy["spec"]["egress"] if "to" not in rule for at in rule["ports"]
    }


def test_the_manifests_fit_each_other() -> None:
    """Selectors find the pods, and whatever is asked for by its name is there."""
    told = manifests()
    pod = pod_of(told)
    labels = pod["metadata"]["labels"]
    assert told["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert told["Service"]["spec"]["selector"] == labels
    assert told["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert told["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    [container] = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert [port["targetPort"] for port in told["Service"]["spec"]["ports"]] == ["http"]
    data = told["ConfigMap"]["data"]
    assert ports == {
        "http": int(data["KEYTURN_PORT"]),
        "operations": int(data["KEYTURN_METRICS_ADDRESS"].rpartition(":")[2]),
    }
    opened = [one["ports"][0]["port"] for one in told["NetworkPolicy"]["spec"]["ingress"]]
    assert opened == [*ports.values()]
    assert pod["spec"]["serviceAccountName"] == told["ServiceAccount"]["metadata"]["name"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["spec"]["volumes"]
    }
    assert container["image"].rpartition(":")[2] == __version__


def test_the_manifests_are_of_the_cluster_s_own_form() -> None:
    """Kubernetes' published schemas take each of them, and no field that they do not know."""
    told = manifests()
    for one in (*told.values(), *nightly().values()):
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    wrong = told["Deployment"] | {"spec": told["Deployment"]["spec"] | {"replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize(
    "pod", [pod_of(manifests())["spec"], nightly_pod()["spec"]], ids=["server", "backup"]
)
def test_the_pods_can_do_nothing_they_need_not(pod: Mapping[str, Any]) -> None:
    """Not root, no capability, nothing written but its own folder, no token of the cluster."""
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_only_readiness_asks_for_the_database() -> None:
    """A database that is away takes pods out of service, and starts none of them anew."""
    [container] = pod_of(manifests())["spec"]["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "startup")}
    assert set(paths.values()) == {"/healthz"}
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_network_policy_lets_through_what_needs_no_setting() -> None:
    """PostgreSQL, HTTPS and mail servers are reached on the ports that they have by default."""
    mail = {PORTS[Security.STARTTLS], PORTS[Security.TLS]}
    assert opened(manifests()["NetworkPolicy"]) == {5432, 443, *mail}
    assert opened(nightly()["NetworkPolicy"]) == {5432, 443}


def test_the_nightly_backup_fits_the_server() -> None:
    """The same image and settings, a volume of its own, and no request of the service."""
    pod, told = nightly_pod(), manifests()
    [container], [server] = pod["spec"]["containers"], pod_of(told)["spec"]["containers"]
    assert container["image"] == server["image"]
    names = [one["name"] for source in container["envFrom"] for one in source.values()]
    assert names == ["keyturn", "keyturn", "keyturn-backup"]
    labels = pod["metadata"]["labels"]
    assert nightly()["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert told["Service"]["spec"]["selector"] != labels
    claimed = [one.get("persistentVolumeClaim") for one in pod["spec"]["volumes"]]
    assert {"claimName": nightly()["PersistentVolumeClaim"]["metadata"]["name"]} in claimed
    assert nightly()["CronJob"]["spec"]["concurrencyPolicy"] == "Forbid"


def test_two_versions_never_run_at_once() -> None:
    """An upgrade stops all before it starts any; one pod may always be taken for maintenance."""
    told = manifests()
    assert told["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    budget = told["PodDisruptionBudget"]["spec"]["minAvailable"]
    assert budget < told["Deployment"]["spec"]["replicas"]
