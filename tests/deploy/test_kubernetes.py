"""The manifests, as Kustomize makes them, against Kubernetes' schemas, our settings and a broker."""

from __future__ import annotations

import os
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from api.settings import PREFIX, Settings
from tests.live import ROOT
from tests.manifests import FOLDER, Manifest, built, of_kind

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
KUBERNETES = ["1.32", "1.37"]


@pytest.fixture(params=["base", "gpu"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return built(FOLDER / request.param)


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """What every workload runs, by its component."""
    templates = [one["spec"]["template"] for one in manifests if one["kind"] in {"Deployment", "Job"}]
    return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"] for one in templates}


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for name, pod in pods(manifests).items():
        (container,) = pod["containers"]
        yield name, container


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_schemas_admit_every_word(manifests: list[Manifest], version: str) -> None:
    for one in manifests:
        if one["kind"] != "ScaledObject":  # of which no package has the schema
            kubernetes_validate.validate(one, version, strict=True)


def test_there_is_what_it_takes(manifests: list[Manifest]) -> None:
    assert {one["kind"] for one in manifests} == {
        *("Namespace", "ConfigMap", "Deployment", "Service", "Ingress", "Job", "PodDisruptionBudget"),
        *("HorizontalPodAutoscaler", "ScaledObject", "NetworkPolicy"),
    }
    assert {one["metadata"].get("namespace", "covid-xr") for one in manifests} == {"covid-xr"}


def test_each_process_does_its_part(manifests: list[Manifest]) -> None:
    done = {name: container["args"] for name, container in containers(manifests)}
    assert done == {"server": ["serve"], "worker": ["worker"], "migrations": ["migrate"]}


def test_images_are_of_this_version(manifests: list[Manifest]) -> None:
    gpu = "COVIDXR_DEVICE" in yaml.safe_dump(manifests)
    for name, container in containers(manifests):
        suffix = "-cuda" if gpu and name == "worker" else ""
        assert container["image"] == f"covid-xr:{VERSION}{suffix}"
    assert of_kind(manifests, "Job").keys() == {f"migrations-{VERSION.replace('.', '-')}"}


def test_nothing_runs_as_root_or_may_become_it(manifests: list[Manifest]) -> None:
    for pod in pods(manifests).values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["automountServiceAccountToken"] is False
    for _, container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"limits", "requests"}
        written = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
        assert sorted(written) == ["/tmp", "/var/lib/covid-xr"]


def test_the_database_s_authority_lies_where_the_guide_says(manifests: list[Manifest]) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    (file,) = set(re.findall(r"ssl_ca=(/\S+)", guide))
    for pod in pods(manifests).values():
        (container,) = pod["containers"]
        (mount,) = [one for one in container["volumeMounts"] if one["mountPath"] == str(Path(file).parent)]
        (volume,) = [one for one in pod["volumes"] if one["name"] == mount["name"]]
        assert volume["configMap"]["optional"] is True
        assert f"configmap {volume['configMap']['name']} --from-file={Path(file).name}" in guide


def test_settings_are_those_of_the_program(
    manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    literals: dict[str, str] = next(iter(of_kind(manifests, "ConfigMap").values()))["data"]
    secrets = {
        "COVIDXR_DATABASE_URL": "mysql://u:p@db/covidxr",
        "COVIDXR_EVENTS_URL": "nats://u:p@nats:4222",
        "COVIDXR_SECRET_KEY": "k" * 32,
        "COVIDXR_METRICS_TOKEN": "t" * 16,
        "COVIDXR_SMTP_URL": "smtp://mail",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    for name, container in containers(manifests):
        read = {
            one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one
        }
        assert read == {key: {"name": "covid-xr", "key": key} for key in read}
        assert set(read) == (set(secrets) if name != "migrations" else {"COVIDXR_DATABASE_URL"})
    given = {**literals, **secrets}
    named = {key.removeprefix(PREFIX).lower() for key in given if key.startswith(PREFIX)}
    assert named <= Settings.model_fields.keys()
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    assert Settings().scales_out


def test_nobody_hears_by_signing_up_who_has_an_account(manifests: list[Manifest]) -> None:
    (told,) = [one["data"] for one in of_kind(manifests, "ConfigMap").values()]
    assert told["COVIDXR_DISCREET_SIGN_UP"] == "true"


def test_secrets_are_named_and_not_kept(manifests: list[Manifest]) -> None:
    assert of_kind(manifests, "Secret") == {}
    told = (ROOT / "docs" / "operations.md").read_text()
    read = {
        one["name"]
        for _, container in containers(manifests)
        for one in container["env"]
        if "valueFrom" in one
    }
    assert [name for name in read if f"{name}=" not in told] == []


def test_probes_ask_what_the_program_answers(manifests: list[Manifest]) -> None:
    for name, container in containers(manifests):
        if name == "migrations":
            continue
        paths = {
            kind: container[f"{kind}Probe"]["httpGet"]["path"]
            for kind in ("startup", "readiness", "liveness")
        }
        assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}
        (port,) = container["ports"]
        assert f"{PREFIX}HEALTH_PORT={port['containerPort']} " in (ROOT / "Dockerfile").read_text()
        assert port["containerPort"] == Settings.model_fields["port"].default


def test_servers_have_time_to_drain(manifests: list[Manifest]) -> None:
    literals = next(iter(of_kind(manifests, "ConfigMap").values()))["data"]
    drain = float(literals["COVIDXR_DRAIN_SECONDS"])
    server = pods(manifests)["server"]
    probe = server["containers"][0]["readinessProbe"]
    assert server["terminationGracePeriodSeconds"] >= drain + 10
    assert drain >= 2 * probe["periodSeconds"] * probe["failureThreshold"], "the balancer is to notice"


def test_selectors_find_their_pods(manifests: list[Manifest]) -> None:
    labels = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in manifests
        if one["kind"] in {"Deployment", "Job"}
    ]
    selectors = [
        of_kind(manifests, "Service")["server"]["spec"]["selector"],
        *[
            one["spec"]["selector"]["matchLabels"]
            for one in of_kind(manifests, "PodDisruptionBudget").values()
        ],
        *[one["spec"]["selector"]["matchLabels"] for one in of_kind(manifests, "Deployment").values()],
        *[one["spec"]["podSelector"]["matchLabels"] for one in of_kind(manifests, "NetworkPolicy").values()],
    ]
    assert len(selectors) == 7
    assert all(any(selector.items() <= pod.items() for pod in labels) for selector in selectors)


def test_whatever_is_scaled_keeps_its_number(manifests: list[Manifest]) -> None:
    scaled = [
        *of_kind(manifests, "HorizontalPodAutoscaler").values(),
        *of_kind(manifests, "ScaledObject").values(),
    ]
    deployments = of_kind(manifests, "Deployment")
    assert {one["spec"]["scaleTargetRef"]["name"] for one in scaled} == deployments.keys()
    assert all("replicas" not in one["spec"] for one in deployments.values())


def test_the_overlay_of_the_guide_changes_what_it_says(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    (block,) = re.findall(r"^    resources: .+\n(?:    .+\n)+", guide, re.M)
    ours = block.replace("../covid-xr", os.path.relpath(ROOT, tmp_path))
    (tmp_path / "kustomization.yaml").write_text(textwrap.dedent(ours))
    made = built(tmp_path)
    assert of_kind(made, "Ingress")["server"]["spec"]["rules"][0]["host"] == "xr.your-hospital.example"
    (settings,) = [one["data"] for one in of_kind(made, "ConfigMap").values()]
    assert settings["COVIDXR_PUBLIC_URL"] == "https://xr.your-hospital.example"
    assert settings["COVIDXR_BLOBS_URL"] == "s3://covid-xr"
    images = {container["image"] for _, container in containers(made)}
    assert images == {f"registry.your-hospital.example/covid-xr:{VERSION}"}
