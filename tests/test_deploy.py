"""What `deploy/` holds: scripts that parse, units whose lines have reasons, locks and alerts that agree with the code.

What needs tools that are not everywhere (promtool, shellcheck, a cluster) was run by hand: deploy/README.md says what.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from connectors.net.request_counts import RequestCounts
from daemon.commands import worker
from daemon.config.schema.tables import WebTable
from daemon.web.metrics import Metrics
from daemon.web.snapshot import Snapshot

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.glob("*.sh"))
UNITS = sorted(DEPLOY.glob("*.service"))
KUBERNETES = DEPLOY / "kubernetes"
RULES = (DEPLOY / "prometheus" / "rapport.rules.yml").read_text("utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound(script: Path) -> None:
    assert subprocess.run(["/bin/sh", "-n", str(script)], check=False).returncode == 0
    text = script.read_text("utf-8")
    assert "set -eu" in text
    if script.name != "trim.sh" or shutil.which("sh"):
        assert script.stat().st_mode & 0o111


def test_installing_is_roots_and_says_so(tmp_path: Path) -> None:
    for name, option in (("install.sh", "--whel"), ("uninstall.sh", "--everything")):
        ran = subprocess.run([str(DEPLOY / name), option], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert "unknown option" in ran.stderr


def test_trimming_keeps_what_is_used(tmp_path: Path) -> None:
    documents = tmp_path / "lib/python3.11/site-packages/googleapiclient/discovery_cache/documents"
    documents.mkdir(parents=True)
    for name in ("calendar.v3.json", "admin.directory_v1.json", "youtube.v3.json"):
        (documents / name).touch()
    for _ in range(2):
        subprocess.run([str(DEPLOY / "trim.sh"), str(tmp_path)], check=True)
        assert {one.name for one in documents.iterdir()} == {"calendar.v3.json", "admin.directory_v1.json"}


def test_how_many_workers_is_a_number() -> None:
    for many in ("few", "-1", "1000000"):
        command = [str(DEPLOY / "install.sh"), "--workers", many]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, "takes a number" in ran.stderr) == (1, True), many


def directives(unit: Path) -> dict[str, list[str]]:
    """What a unit says, by directive."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_every_directive_of_a_unit_stands_under_its_reason(unit: Path) -> None:
    lines = unit.read_text("utf-8").splitlines()
    assert lines[0].startswith("#")
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            before = [one for one in lines[:number] if one]
            block = before[-1]
            assert block.startswith("#") or "=" in block, line
    sections = re.split(r"\n(?=#)", "\n".join(lines))
    assert max(len([one for one in section.splitlines() if not one.startswith("#")]) for section in sections) <= 7


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_hardened(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(unit)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "Unknown" not in ran.stderr


def test_a_worker_is_confined_as_the_service_is() -> None:
    """It may do less where it needs less, and never more."""
    service, working = (directives(DEPLOY / name) for name in ("rapport.service", "rapport-worker@.service"))
    assert {name for name in service if name not in working} == {
        "StateDirectory",
        "StateDirectoryMode",
        "WorkingDirectory",
    }
    assert set(working) <= set(service)
    differs = {name for name in working if working[name] != service[name]}
    assert differs == {"Description", "ExecStart", "TimeoutStartSec", "Restart", "RestartSec", "TasksMax"}


def test_a_reload_judges_the_config_first() -> None:
    for unit in UNITS:
        judge, reload = directives(unit)["ExecReload"]
        assert judge == "/opt/rapport/current/bin/rapport config check"
        assert "kill -HUP" in reload


def test_a_worker_that_ended_well_is_started_again_and_one_with_a_wrong_config_is_not() -> None:
    """It ends well when the store is a newer version's: whoever supervises it then starts that version."""
    working = directives(DEPLOY / "rapport-worker@.service")
    assert working["Restart"] == ["always"]
    assert working["RestartPreventExitStatus"] == ["2"]
    assert int(working["TimeoutStopSec"][0].removesuffix("s")) > worker._STOPS_WITHIN_SECONDS


def test_installing_and_removing_know_every_unit() -> None:
    for name in ("install.sh", "uninstall.sh"):
        script = (DEPLOY / name).read_text("utf-8")
        assert [unit.name for unit in UNITS if f"/{unit.name}" not in script] == [], name


def entries(lock: str) -> dict[str, str]:
    """A lock's entries by name, with version and hashes."""
    parts = re.split(r"\n(?=[a-z0-9])", lock.strip())
    return {part.split("==")[0]: part for part in parts}


def test_what_is_installed_is_a_part_of_the_lock() -> None:
    installed = entries((DEPLOY / "requirements.lock").read_text("utf-8"))
    whole = entries((ROOT / "requirements.lock").read_text("utf-8"))
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = wanted["optional-dependencies"]
    names = {re.split(r"[\[<>=]", one)[0] for one in wanted["dependencies"] + extras["postgres"] + extras["scale"]}
    assert names <= {name.split("[")[0] for name in installed}
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & set(installed)
    assert {name: part.split(" \\")[0] for name, part in installed.items()} == {
        name: whole[name].split(" \\")[0] for name in installed
    }


def test_alerts_ask_for_numbers_that_there_are() -> None:
    state = Snapshot(calendars={("x", "fresh"): 1}, digests={"sent": 1}, reading_age_seconds={"x": 1.0})
    told = Metrics(lambda: state, RequestCounts()).text().decode()
    known = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    asked = set(
        re.findall(r"\brapport_\w+|\bprocess_\w+", "".join(re.findall(r"expr:(.*?)(?:for|labels):", RULES, re.DOTALL)))
    )
    assert asked
    assert asked <= known


def test_states_in_alerts_are_states_that_there_are() -> None:
    states = {one for found in re.findall(r'state(?:=~|!=|=)"([^"]+)"', RULES) for one in found.split("|")}
    known = {"fresh", "stale", "failing", "unreadable", "never_read", "waiting", "failed", "unknown", "sent"}
    assert states <= known | {"working", "idle", "gone"}


def test_every_alert_says_what_to_do() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES)
    assert len(alerts) > 5
    assert [
        one for one in alerts if f"### {one}\n" not in OPERATIONS or f"docs/operations.md, {one}\n" not in RULES
    ] == []


def test_every_line_of_the_log_is_explained() -> None:
    said = set()
    for path in [*(ROOT / "daemon").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")]:
        said |= set(re.findall(r'\blog\.(?:info|warning|error)\(\s*"([a-z_]+)"', path.read_text("utf-8")))
    assert "calendar_failed" in said
    assert sorted(one for one in said if f"`{one}`" not in OPERATIONS) == []


def test_ports_agree() -> None:
    port = str((WebTable().address or ("", 0))[1])
    for name in (
        "kubernetes/deployment.yaml",
        "kubernetes/service.yaml",
        "kubernetes/network-policy.yaml",
        "prometheus/scrape.yml",
    ):
        assert port in (DEPLOY / name).read_text("utf-8"), name


def containers(manifest: str) -> dict[str, str]:
    """The text of a manifest's containers by name."""
    found = re.split(r"\n        - name: (?=\S+\n          image:)", (KUBERNETES / manifest).read_text("utf-8"))
    return {part.split("\n")[0]: part for part in found[1:]}


def test_pods_of_every_kind_have_the_same_config_and_secrets_and_no_rights() -> None:
    pods = {**containers("deployment.yaml"), **containers("workers.yaml")}
    assert {name: re.findall(r"args: (.*)", text) for name, text in pods.items()} == {
        "upgrade": ["[db, upgrade]"],
        "rapport": ["[run]"],
        "worker": ["[worker]"],
    }
    for name, text in pods.items():
        for line in (
            "mountPath: /etc/rapport\n",
            "value: /run/secrets/rapport\n",
            "mountPath: /run/secrets/rapport\n",
            "allowPrivilegeEscalation: false\n",
            "readOnlyRootFilesystem: true\n",
            "drop: [ALL]\n",
        ):
            assert line in text, (name, line)


def test_workers_leave_the_services_volume_and_page_alone() -> None:
    """One pod alone may have the volume; whoever asks for the service's page must not be sent to a worker."""
    workers = (KUBERNETES / "workers.yaml").read_text("utf-8")
    assert "persistentVolumeClaim" not in workers
    assert "app.kubernetes.io/name: rapport\n" not in workers
    assert "values: [rapport, rapport-worker]" in (KUBERNETES / "network-policy.yaml").read_text("utf-8")


def test_nobody_gets_workers_unasked() -> None:
    assert "\n  # - workers.yaml\n" in (KUBERNETES / "kustomization.yaml").read_text("utf-8")
    compose = (DEPLOY / "compose.yaml").read_text("utf-8")
    services = dict(re.findall(r"^  ([a-z]+):\n((?:    .*\n|\n)+)", compose.split("\nnetworks:")[0], re.MULTILINE))
    assert "profiles: [workers]" in services["worker"]
    assert "disable: true" in services["worker"]  # the image's health check asks what only the service answers
    assert "profiles" not in services["rapport"] + services["database"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_the_manifests_go_together_with_workers(tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    (folder / "config.toml").write_text("")
    path = folder / "kustomization.yaml"
    path.write_text(path.read_text("utf-8").replace("# - workers", "- workers"))
    command = ["kubectl", "kustomize", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert len(set(re.findall(r"configMap:\n +name: (rapport-\w+)", ran.stdout))) == 1
    assert set(re.findall(r"image: (\S+)", ran.stdout)) == {"rapport:0.1.0"}
