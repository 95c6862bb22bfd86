"""The compose file, as Compose's own client resolves it: it names what is there and asks for no more.

Running it needs an engine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from api.settings import PREFIX, Settings
from tests.composing import MAKE_SECRETS, composed, project_of, secrets_in
from tests.dockerfiles import DOCKERFILE, has_version, linted, without_version
from tests.live import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
LASTING = {"server-a", "server-b", "worker", "worker-gpu"}
OURS = LASTING | {"migrations"}
ENGINES = {"database", "events", "blobs", "proxy", "mail"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return secrets_in(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def project(secrets: Path) -> dict[str, Any]:
    return project_of(secrets)


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = project["services"]
    return found


def test_every_secret_is_asked_for_and_has_no_default(tmp_path: Path, secrets: Path) -> None:
    made = dict(line.split("=", 1) for line in secrets.read_text().splitlines())
    for name in made:
        rest = tmp_path / name
        rest.write_text("\n".join(f"{other}={value}" for other, value in made.items() if other != name))
        done = composed(rest, "config", "--quiet")
        assert done.returncode != 0, f"{name} has a default"
        assert f"required variable {name} is missing" in done.stderr
    assert all(len(set(value)) > 10 and len(value) >= 26 for value in made.values())


def test_secrets_that_are_there_are_not_made_anew(secrets: Path) -> None:
    before = secrets.read_text()
    assert subprocess.run([MAKE_SECRETS, secrets], timeout=30).returncode != 0
    assert secrets.read_text() == before
    assert secrets.stat().st_mode & 0o077 == 0


def test_without_openssl_no_empty_secrets_are_made(tmp_path: Path) -> None:
    found = shutil.which("cat")
    assert found
    (tmp_path / "cat").symlink_to(found)
    command = ["/bin/sh", str(MAKE_SECRETS), str(tmp_path / "secrets")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "openssl" in done.stderr
    assert not (tmp_path / "secrets").exists()


def test_the_services_are_these(services: dict[str, Any]) -> None:
    assert services.keys() == OURS | ENGINES


def test_settings_are_those_of_the_program(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name in OURS:
        given = services[name]["environment"]
        ours = {
            key.removeprefix(PREFIX).lower(): value for key, value in given.items() if key.startswith(PREFIX)
        }
        assert ours.keys() <= Settings.model_fields.keys()
        with monkeypatch.context() as patching:
            for key, value in given.items():
                patching.setenv(key, value or "")
            settings = Settings()
        assert settings.scales_out == (name in LASTING)


def test_nobody_hears_by_signing_up_who_has_an_account(services: dict[str, Any]) -> None:
    assert {services[name]["environment"]["COVIDXR_DISCREET_SIGN_UP"] for name in LASTING} == {"true"}


def test_all_of_ours_are_told_the_same_but_for_the_device(services: dict[str, Any]) -> None:
    told = [services[name]["environment"] for name in sorted(LASTING)]
    assert all({**one, "COVIDXR_DEVICE": ""} == {**told[0], "COVIDXR_DEVICE": ""} for one in told)
    known = services["migrations"]["environment"]
    assert known == {"COVIDXR_DATABASE_URL": told[0]["COVIDXR_DATABASE_URL"]}


def test_those_of_ours_have_an_end_in_time(services: dict[str, Any]) -> None:
    drain = float(services["server-a"]["environment"]["COVIDXR_DRAIN_SECONDS"])
    for name in ("server-a", "server-b"):
        assert seconds(services[name]["stop_grace_period"]) >= drain + 10
    assert all(
        "stop_grace_period" in one for name, one in services.items() if name not in {"migrations", "mail"}
    )


def seconds(duration: str) -> int:
    """Of what Compose writes as 1m30s."""
    parts = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration)
    assert parts
    return 60 * int(parts.group(1) or 0) + int(parts.group(2) or 0)


def test_nothing_runs_as_root_or_may_become_it(services: dict[str, Any]) -> None:
    for name, one in services.items():
        assert int(one["user"].split(":")[0]) > 0, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["read_only"] is True, name
        assert "privileged" not in one


def test_everything_has_its_bounds(services: dict[str, Any]) -> None:
    for name, one in services.items():
        assert one["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert one["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_images_are_of_a_version(services: dict[str, Any]) -> None:
    for name in OURS:
        suffix = "-cuda" if name == "worker-gpu" else ""
        assert services[name]["image"] == f"covid-xr:{VERSION}{suffix}"
    assert [one["image"] for one in services.values() if not has_version(one["image"])] == []
    assert [one for one in inline(services).values() if without_version(one)] == []


def inline(services: dict[str, Any]) -> dict[str, str]:
    """The Dockerfiles that stand in the file."""
    built = {name: one["build"] for name, one in services.items() if "build" in one}
    return {name: one["dockerfile_inline"] for name, one in built.items() if "dockerfile_inline" in one}


def test_hadolint_finds_nothing_in_the_images_of_engines(services: dict[str, Any]) -> None:
    assert {name: linted(text) for name, text in inline(services).items()} == {"events": "", "blobs": ""}


def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    mounted = [
        mount for one in services.values() for mount in one.get("volumes", []) if mount["type"] == "bind"
    ]
    assert len(mounted) >= 4
    assert [mount["source"] for mount in mounted if not Path(mount["source"]).exists()] == []
    assert all(mount["read_only"] for mount in mounted)


def test_only_this_machine_reaches_it_unless_it_is_told_otherwise(services: dict[str, Any]) -> None:
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert published.keys() == {"proxy", "mail"}
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_a_database_elsewhere_is_reached_by_tls(secrets: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    settings.write_text(f"{secrets.read_text()}COVIDXR_DATABASE_CA={secrets}\n")
    services = project_of(settings)["services"]
    for name in OURS:
        _, _, file = services[name]["environment"]["COVIDXR_DATABASE_URL"].partition("?ssl_ca=")
        assert [mount["source"] for mount in services[name]["volumes"] if mount["target"] == file] == [
            str(secrets)
        ]


def test_engines_are_reached_by_ours_alone(project: dict[str, Any], services: dict[str, Any]) -> None:
    assert project["networks"]["back"]["internal"] is True
    assert all(services[name]["networks"].keys() == {"back"} for name in ("database", "events", "blobs"))
    believed = services["server-a"]["environment"]["COVIDXR_TRUSTED_PROXIES"]
    assert project["networks"]["front"]["ipam"]["config"] == [{"subnet": believed}]
    in_front = {name for name, one in services.items() if "front" in one["networks"]}
    assert in_front == {"proxy", "server-a", "server-b"}


def test_what_is_waited_for_tells_its_health(services: dict[str, Any]) -> None:
    waited = {
        (name, wanted["condition"])
        for one in services.values()
        for name, wanted in one.get("depends_on", {}).items()
    }
    assert {name for name, condition in waited if condition == "service_healthy"} == {
        "database",
        "events",
        "blobs",
    }
    assert {name for name, condition in waited if condition == "service_completed_successfully"} == {
        "migrations"
    }
    assert all("test" in services[name]["healthcheck"] for name in ("database", "events", "blobs", "proxy"))
    assert "/readyz" in DOCKERFILE
    assert services["migrations"]["healthcheck"] == {"disable": True}


def test_the_gpu_is_asked_for_in_a_profile_of_its_own(services: dict[str, Any]) -> None:
    gpu = services["worker-gpu"]
    assert gpu["profiles"] == ["gpu"]
    assert gpu["build"]["args"] == {"LOCK": "requirements-cuda.lock"}
    assert (ROOT / gpu["build"]["args"]["LOCK"]).exists()
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert gpu["environment"]["COVIDXR_DEVICE"] == "gpu"


def test_the_proxy_is_told_what_its_configuration_reads(services: dict[str, Any]) -> None:
    read = set(
        re.findall(r"\$\{?([A-Z_]+)|defined\(([A-Z_]+)\)", (ROOT / "deploy" / "haproxy.cfg").read_text())
    )
    assert services["proxy"]["environment"].keys() == {one or other for one, other in read}


def test_the_broker_hears_its_password_as_text(services: dict[str, Any], secrets: Path) -> None:
    made = dict(line.split("=", 1) for line in secrets.read_text().splitlines())
    assert services["events"]["environment"] == {"NATS_PASSWORD": f'"{made["COVIDXR_EVENTS_PASSWORD"]}"'}
