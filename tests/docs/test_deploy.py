"""The files by which Keyturn is run hold together: unit, image and manifests."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from keyturn import __version__
from keyturn.settings import CREDENTIALS, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "keyturn.service"
IMAGE = DEPLOY / "container" / "Containerfile"
MANIFEST = DEPLOY / "kubernetes" / "keyturn.yaml"


def variables() -> set[str]:
    """Return the name of every setting's variable."""
    return {f"KEYTURN_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("path", [UNIT, IMAGE, MANIFEST], ids=lambda path: path.name)
def test_settings_that_are_set_exist(path: Path) -> None:
    """No file sets a setting that Keyturn does not know, and none holds a credential."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\bKEYTURN_[A-Z_]+", text)) <= variables()
    values = dict(re.findall(r"^\s*(KEYTURN_[A-Z_]+): (.+)$", text, flags=re.MULTILINE))
    assert values.keys().isdisjoint(CREDENTIALS)


def test_no_file_takes_whatever_is_newest() -> None:
    """Every image is named by a version."""
    named = [line for path in (IMAGE, MANIFEST) for line in path.read_text().splitlines()]
    images = [line for line in named if re.match(r"\s*(ARG BASE=|image:)", line)]
    assert len(images) == 2
    assert all(re.search(r":[\w.]*\d[\w.-]*$", line) for line in images), images
    assert not any(":latest" in line for line in named)


# --- systemd --------------------------------------------------------------------------------------


def unit() -> Mapping[str, str]:
    """Read the unit's settings."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def test_the_unit_is_hardened() -> None:
    """It is nobody's user, writes its own directory alone, and can gain nothing."""
    told = unit()
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert told[name] == "yes", name
    assert told["ProtectSystem"] == "strict"
    assert told["CapabilityBoundingSet"] == ""
    assert told["StateDirectory"] == "keyturn"
    assert told["StateDirectoryMode"] == "0700"
    assert "KEYTURN_DATA_DIR=/var/lib/keyturn" in told["Environment"]
    assert int(told["TimeoutStopSec"]) >= 60


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Systemd itself finds nothing wrong with it, and calls its exposure OK."""
    text = UNIT.read_text(encoding="utf-8").replace("/opt/keyturn/bin/keyturn", "/bin/true")
    copy = tmp_path / "keyturn.service"
    copy.write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-400:]


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
    assert "HEALTHCHECK" in text
    assert "/readyz" in text


# --- Kubernetes -----------------------------------------------------------------------------------


def manifests() -> Mapping[str, Any]:
    """Read the manifests by their kind."""
    every = yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
    return {one["kind"]: one for one in every}


def test_the_manifests_fit_each_other() -> None:
    """Selectors find the pods, and whatever is asked for by its name is there."""
    told = manifests()
    pod = told["Deployment"]["spec"]["template"]
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
    for one in told.values():
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    wrong = told["Deployment"] | {"spec": told["Deployment"]["spec"] | {"replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_pods_can_do_nothing_they_need_not() -> None:
    """Not root, no capability, nothing written but its own folder, no token of the cluster."""
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_only_readiness_asks_for_the_database() -> None:
    """A database that is away takes pods out of service, and starts none of them anew."""
    [container] = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "startup")}
    assert set(paths.values()) == {"/healthz"}
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_two_versions_never_run_at_once() -> None:
    """An upgrade stops all before it starts any; one pod may always be taken for maintenance."""
    told = manifests()
    assert told["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    budget = told["PodDisruptionBudget"]["spec"]["minAvailable"]
    assert budget < told["Deployment"]["spec"]["replicas"]
