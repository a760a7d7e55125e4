"""docs/kuberay/rayjob.yaml: what of a manifest can be checked without a cluster."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml

from study.cli.arguments import parse_arguments
from tests.study.test_launch import ROOT

# Of ray.io/v1, as the API reference of KubeRay 1.6 has them.
JOB_FIELDS = {
    *("activeDeadlineSeconds", "backoffLimit", "clusterSelector", "deletionStrategy", "entrypoint"),
    *("entrypointNumCpus", "entrypointNumGpus", "entrypointResources", "jobId", "managedBy", "metadata"),
    *("rayClusterSpec", "runtimeEnvYAML", "shutdownAfterJobFinishes", "submissionMode", "submitterConfig"),
    *("submitterPodTemplate", "suspend", "ttlSecondsAfterFinished"),
}
CLUSTER_FIELDS = {
    *("authOptions", "autoscalerOptions", "enableInTreeAutoscaling", "gcsFaultToleranceOptions", "headGroupSpec"),
    *("headServiceAnnotations", "managedBy", "rayVersion", "suspend", "upgradeStrategy", "workerGroupSpecs"),
}


@pytest.fixture(scope="module")
def manifest() -> Any:
    return yaml.safe_load((ROOT / "docs" / "kuberay" / "rayjob.yaml").read_text(encoding="utf-8"))


def test_it_is_a_rayjob_with_known_fields_alone(manifest: Any) -> None:
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayJob")
    assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", manifest["metadata"]["name"])
    assert set(manifest["spec"]) <= JOB_FIELDS
    assert set(manifest["spec"]["rayClusterSpec"]) <= CLUSTER_FIELDS
    assert manifest["spec"]["submissionMode"] in ("K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode")


def test_its_cluster_asks_for_a_token_and_has_our_ray(manifest: Any) -> None:
    cluster = manifest["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["rayVersion"] == ray.__version__


def test_every_pod_has_the_shared_folder_and_volumes_that_exist(manifest: Any) -> None:
    cluster = manifest["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        assert isinstance(group["rayStartParams"], dict)
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        for container in pod["containers"]:
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert set(mounts) <= {volume["name"] for volume in pod["volumes"]}
            assert mounts["shared"] == "/shared"
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_its_entrypoint_is_a_shell_command_whose_two_launches_are_understood(manifest: Any) -> None:
    shell, option, script = shlex.split(manifest["spec"]["entrypoint"])
    assert (shell, option) == ("sh", "-c")
    subprocess.run(["sh", "-n", "-c", script], check=True, timeout=30)
    typed = re.findall(r"python -m study\.launch (.*?);", script)
    again, first = (parse_arguments(shlex.split(one)) for one in typed)
    assert again.resume == first.name == manifest["spec"]["metadata"]["study"]
    assert first.dataset == manifest["spec"]["metadata"]["dataset"]
    assert again.study_dir == first.study_dir == Path("/shared/studies")
    assert again.address == first.address == "auto"
    assert f"{first.study_dir}/{first.name}/study.json" in script


def test_a_stop_leaves_the_study_its_time(manifest: Any) -> None:
    environment = yaml.safe_load(manifest["spec"]["runtimeEnvYAML"])["env_vars"]
    assert int(environment["RAY_JOB_STOP_WAIT_TIME_S"]) >= 20
