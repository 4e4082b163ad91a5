import re
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "k8s" / "base"
KUBERNETES = "1.37"
DRAIN_S = 25  # backend.http.server.DRAIN_S: what is under way may take this long
TEMPLATES = {"Deployment", "Job"}
RESTRICTED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}

KUSTOMIZATION = yaml.safe_load((BASE / "kustomization.yaml").read_text())
MANIFESTS = [
    manifest
    for name in KUSTOMIZATION["resources"]
    for manifest in yaml.safe_load_all((BASE / name).read_text())
]
WORKLOADS = [manifest for manifest in MANIFESTS if manifest["kind"] in TEMPLATES]


def label(manifest):
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def containers_of(workload):
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


def settings_of(container):
    return {entry["name"] for entry in container.get("env", [])}


def test_the_kustomization_lists_every_file():
    files = {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files


@pytest.mark.parametrize("manifest", MANIFESTS, ids=label)
def test_a_manifest_is_valid_for_the_api_without_unknown_fields(manifest):
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=label)
def test_a_manifest_leaves_the_namespace_to_the_overlay(manifest):
    assert "namespace" not in manifest["metadata"]


def test_no_secret_is_committed():
    assert [label(manifest) for manifest in MANIFESTS if manifest["kind"] == "Secret"] == []


def test_the_image_is_the_version_of_the_package():
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert KUSTOMIZATION["images"] == [{"name": "tanhui", "newName": "tanhui", "newTag": version}]
    assert f"tanhui:{version}" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_images_are_named_by_the_kustomization_alone(workload):
    assert {container["image"] for container in containers_of(workload)} == {"tanhui"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_a_pod_meets_the_restricted_standard(workload):
    pod = pod_of(workload)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for volume in pod["volumes"]:
        assert volume.keys() - {"name"} <= RESTRICTED_VOLUMES
    for container in containers_of(workload):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in container.get("ports", []))


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_a_pod_writes_only_to_bounded_volumes(workload):
    for container in containers_of(workload):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "memory" in container["resources"]["limits"]
    for volume in pod_of(workload)["volumes"]:
        assert "sizeLimit" in volume["emptyDir"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_a_pod_gets_no_settings_and_no_rights_from_the_cluster(workload):
    # A Service named tanhui-api would otherwise become TANHUI_API_PORT, which stops the start.
    assert pod_of(workload)["enableServiceLinks"] is False
    assert pod_of(workload)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_only_the_migration_knows_the_owner_of_the_schema(workload):
    for container in containers_of(workload):
        knows = "TANHUI_MIGRATE_URL" in settings_of(container)
        assert knows is (workload["metadata"]["name"] == "tanhui-migrate")


@pytest.mark.parametrize(
    "workload", [found for found in WORKLOADS if found["kind"] == "Deployment"], ids=label
)
def test_a_pod_leaves_without_losing_what_is_under_way(workload):
    pod = pod_of(workload)
    (container,) = pod["containers"]
    pause_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pause_s > 0
    assert pod["terminationGracePeriodSeconds"] > pause_s + DRAIN_S
    assert workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod["topologySpreadConstraints"]


def test_probes_ask_what_they_mean():
    (api,) = [found for found in WORKLOADS if found["metadata"]["name"] == "tanhui-api"]
    (container,) = pod_of(api)["containers"]
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_pod_without_a_port_has_no_probe():
    for workload in WORKLOADS:
        for container in containers_of(workload):
            assert ("ports" in container) is ("readinessProbe" in container)


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_settings_are_ones_that_the_service_knows(workload):
    from backend.settings import Settings

    known = {f"TANHUI_{name.upper()}" for name in Settings.__dataclass_fields__} | {"TANHUI_MODEL"}
    (config,) = [manifest for manifest in MANIFESTS if manifest["kind"] == "ConfigMap"]
    given = {name for container in containers_of(workload) for name in settings_of(container)}
    ours = {name for name in given | config["data"].keys() if name.startswith("TANHUI_")}
    assert ours - known == set()


def test_a_budget_lets_a_drain_pass():
    budgets = [found for found in MANIFESTS if found["kind"] == "PodDisruptionBudget"]
    assert {found["spec"]["maxUnavailable"] for found in budgets} == {1}
    assert len(budgets) == 2


def test_nothing_is_reached_that_is_not_allowed():
    policies = {
        found["metadata"]["name"]: found["spec"]
        for found in MANIFESTS
        if found["kind"] == "NetworkPolicy"
    }
    denied = policies.pop("tanhui-default-deny")
    assert denied["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & denied.keys()
    for policy in policies.values():
        for rule in (*policy.get("ingress", []), *policy.get("egress", [])):
            assert rule["ports"]


def test_nothing_runs_an_image_that_moves():
    moving = re.compile(r"image:\s*\S+:latest|newTag:\s*\"?latest|FROM \S+:latest")
    for path in (*BASE.glob("*.yaml"), ROOT / "Dockerfile"):
        assert moving.search(path.read_text()) is None
