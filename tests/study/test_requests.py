"""Wrong requests: found before torch and Ray are imported, one line that says what to do, status 2."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from study.cli.request import WRITTEN_FOR
from study.launch import main
from study.status import main as status_main

SIMULATED = ["--dataset", "simulated"]

WRONG = [
    (["--dataset", "thumos41"], "--dataset: no data set 'thumos41'. Did you mean 'thumos14'?"),
    (["--features", "i3d"], "--features: spoken-digits has no features 'i3d'"),
    ([*SIMULATED, "--protocol", "relased"], "--protocol: "),
    (["--base-model", "wtlc"], "--base-model: no presets for 'wtlc'. Did you mean 'wtalc'?"),
    ([*SIMULATED, "--base-model", "basnet"], "--base-model: no preset of basnet for simulated; there are presets for"),
    (["--base-model", "wtalc", "--protocol", "paper"], "--protocol: wtalc has no preset 'paper', only released"),
    (["--study", "serch"], "--study: unknown study 'serch'. Did you mean 'search'?"),
    (["--study", "nowhere.yaml"], "--study: nowhere.yaml: no such file"),
    (["--nun-samples", "4"], "--nun-samples: unknown option. Did you mean '--num-samples'?"),
    (["--num-samples", "0"], "--num-samples: must be a whole number, 1 or more, got '0'"),
    (["--seeds", "two"], "--seeds: must be a whole number, 1 or more, got 'two'"),
    (["--seed", "-1"], "--seed: "),
    ([*SIMULATED, "--target", "0.6"], "--target: mAP is in percent, from 1 to 100, got 0.6; 60 is meant?"),
    ([*SIMULATED, "--target", "101"], "--target: mAP is in percent, from 1 to 100, got 101"),
    (["--target", "high"], "--target: must be a number, got 'high'"),
    (["--patience", "0"], "--patience: must be a whole number, 1 or more, got '0'"),
    (["--time-budget", "8"], "--time-budget: must be a time with its unit, as 8h, 90m, 1h30m or 45s, got '8'"),
    (["--time-budget", "0h"], "--time-budget: must be a time with its unit"),
    (["--selection", "test"], "--selection: invalid choice: 'test'"),
    (["--gpus-per-trial", "half"], "--gpus-per-trial: must be 'auto' or a number, 0 or more, got 'half'"),
    ([*SIMULATED, "--set", "training.epoch=3"], "--set: training.epoch: unknown key. Did you mean 'training.epochs'?"),
    ([*SIMULATED, "--set", "training.epochs"], "--set: 'training.epochs' is not KEY=VALUE"),
    ([*SIMULATED, "--set", "training.epochs=0"], "training.epochs: input should be greater than or equal to 1, got 0"),
    ([*SIMULATED, "--set", "training.epochs=many"], "training.epochs: input should be a valid integer, got 'many'"),
    ([*SIMULATED, "--set", "training.lr=nan"], "training.lr: "),
    ([*SIMULATED, "--set", "loss.beta=2"], "--set: loss.beta is what study 'search' varies"),
    ([*SIMULATED, "--thresholds", "neither"], "--thresholds: invalid choice: 'neither'"),
    (
        [*SIMULATED, "--thresholds", "both", "--set", "prediction.min_attention=0.5"],
        "--set: prediction.min_attention is what study 'search' varies",
    ),
    ([*SIMULATED, "--thresholds", "both", "--set", "prediction.tune=thresholds"], "--set: prediction.tune: thresholds"),
    ([*SIMULATED, "--set", "prediction.tune=threshold"], "prediction.tune: input should be 'none' or 'thresholds'"),
    (
        [*SIMULATED, "--study", "tuned.yaml", "--set", "prediction.tune=thresholds"],
        "study tuned: space: prediction.min_attention is searched, and prediction.tune: thresholds chooses it after",
    ),
    (["--base-model", "wtalc", "--thresholds", "predictions"], "--set: thresholds: predictions varies alpha_A and"),
    ([*SIMULATED, "--study", "sampling", "--set", "pseudo_labels.generator=atention"], "Did you mean 'attention'?"),
    ([*SIMULATED, "--set", "compute.device=cpu", "--gpus-per-trial", "0.5"], "--gpus-per-trial: 0.5 asked for, but"),
    ([*SIMULATED, "--cpus-per-trial", "4096"], "--cpus-per-trial: 4096 CPUs asked for, but there are"),
    (["--trials-per-process", "2", "--base-model", "wtalc"], "--trials-per-process: runs of base model wtalc cannot"),
    ([*SIMULATED, "--trials-per-process", "2", "--pruner", "asha"], "--trials-per-process: pruner asha stops single"),
    ([*SIMULATED, "--trials-per-process", "2", "--trial-timeout", "9"], "--trials-per-process: --trial-timeout is for"),
    ([*SIMULATED, "--trials-per-process", "0"], "--trials-per-process: must be a whole number, 1 or more, got '0'"),
    ([*SIMULATED, "--name", "a/b"], "--name: 'a/b' is not a folder name"),
    ([*SIMULATED, "--name", "taken"], "--name: study 'taken' exists in"),
    ([*SIMULATED, "--study-dir", "a-file"], "--study-dir: "),
    ([*SIMULATED, "--set", "model.name=refinelok"], "model.name: no base model 'refinelok'"),
    ([*SIMULATED, "--address", "127.0.0.1:1"], "--address: no Ray cluster at '127.0.0.1:1' (Connection refused)"),
    ([*SIMULATED, "--address", "ray://head"], "--address: 'ray://head' is not HOST:PORT or auto"),
    (["--resume", "nothing"], "--resume: no study 'nothing' in"),
    (["--resume", "taken"], "--resume: studies/taken is no study: neither study.json nor ledger.jsonl is there"),
    (["--resume", ""], "--resume: the name of the study is empty"),
    (["--rerun", "", "0"], "--rerun: the name of the study is empty"),
    ([*SIMULATED, "--name", ""], "--name: the name of the study is empty"),
    ([*SIMULATED, "--trial", "beta"], "--trial: 'beta' is not KEY=VALUE, for instance beta=2"),
    ([*SIMULATED, "--trial-timeout", "1e10"], "--trial-timeout: must be at most 100000000 seconds, got '1e10'"),
    ([*SIMULATED, "--trial-timeout", "inf"], "--trial-timeout: must be at most 100000000 seconds, got 'inf'"),
    ([*SIMULATED, "--trial-timeout", "nan"], "--trial-timeout: must be a number of seconds above 0, got 'nan'"),
    ([*SIMULATED, "--trial-timeout", "-5"], "--trial-timeout: must be a number of seconds above 0, got '-5'"),
    (["--resume", "taken", "--seed", "0"], "--seed: study 'taken' has its own already; leave --seed out"),
    ([*SIMULATED, "--pruner", "hyperband"], "--pruner: invalid choice: 'hyperband'"),
    ([*SIMULATED, "--sampler", "annealing"], "--sampler: invalid choice: 'annealing'"),
    ([*SIMULATED, "--trial-timeout", "0"], "--trial-timeout: must be a number of seconds above 0, got '0'"),
    ([*SIMULATED, "--max-failures", "-1"], "--max-failures: must be a whole number, 0 or more, got '-1'"),
    ([*SIMULATED, "--log-to", "paper"], "--log-to: invalid choice: 'paper'"),
    ([*SIMULATED, "--confirm", "0"], "--confirm: must be a whole number, 1 or more, got '0'"),
    (["--resume", "taken", "--no-shared-base"], "--no-shared-base: study 'taken' has its own already"),
    (["--rerun", "nothing", "0"], "no study 'nothing' in"),
    (["--rerun", "taken", "best"], "--rerun: the trial is a number, as 7 or t0007, got 'best'"),
    (["--rerun", "taken", "0", "--seed", "1"], "--seed: study 'taken' has its own already"),
    ([*SIMULATED, "--probe"], "--probe: tells what a study would cost; give --dry-run with it"),
    (["--dataset", "thumos14"], "thumos14"),
]


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a folder in the place of a study, a file in the place of a folder, and a study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies" / "taken").mkdir(parents=True)
    (tmp_path / "a-file").write_text("")
    (tmp_path / "tuned.yaml").write_text("space: {prediction.min_attention: {choices: [0.1, 0.5]}}\n")
    return tmp_path


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_a_wrong_request_is_refused_with_key_value_and_remedy(
    work_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    try:
        status = main(arguments)
    except SystemExit as error:  # argparse
        status = int(error.code or 0)
    printed = capsys.readouterr()
    assert status == 2
    assert message in printed.err
    assert printed.err.startswith("error: ")
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert sorted(path.name for path in (work_folder / "studies").iterdir()) == ["taken"], "nothing was made"


def test_a_gpu_that_is_not_there_is_refused(
    work_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.cli.request.count_gpus", lambda: 0)
    assert main([*SIMULATED, "--gpus-per-trial", "0.5"]) == 2
    assert "--gpus-per-trial: 0.5 asked for, but no GPU was found" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["study.launch", "study.status"])
def test_commands_start_without_torch_and_ray(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'ray', 'optuna'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_driver_of_a_study_never_imports_torch() -> None:
    code = (
        "import sys, study.driver, study.execution.session, trainables.worker.trainable; print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize(("package", "version"), [("optuna", "5.1.0"), ("ray", "2.61.0")])
def test_another_version_of_what_is_used_from_inside_is_refused(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str, version: str
) -> None:
    installed = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version if name == package else installed(name))
    assert main([*SIMULATED, "--dry-run"]) == 2
    assert (
        f"error: {package} {version} is installed, and studies take {WRITTEN_FOR[package]}" in capsys.readouterr().err
    )


def test_pip_is_told_the_same_versions() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for name, version in WRITTEN_FOR.items():
        (asked,) = (one for one in project["dependencies"] if re.match(rf"{name}\b", one))
        major, minor = version.split(".")
        assert asked.endswith(f">={version},<{major}.{int(minor) + 1}")


def test_a_wrong_request_ends_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    arguments = [sys.executable, "-X", "importtime", "-m", "study.launch", "--dataset", "thumos14"]
    done = subprocess.run([*arguments, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert not any(line.rstrip().endswith(("| torch", "| ray", "| optuna")) for line in done.stderr.splitlines())


def test_a_dry_run_prints_card_and_plan_and_makes_nothing(
    work_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(work_folder / "studies")
    assert main([*SIMULATED, "--dry-run", "--num-samples", "7", "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    assert "SIMULATED" in printed
    assert "14 (7 configurations x 2 seeds); M0 and up to 2 refinements each: up to 42 trainings" in printed
    assert not (work_folder / "studies").exists()


def test_a_probe_tells_the_time_of_a_dry_run(work_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SIMULATED, "--dry-run"]) == 0
    assert "time         unknown until the first iterations end" in capsys.readouterr().out
    assert main([*SIMULATED, "--dry-run", "--probe", "--set", "compute.device=cpu"]) == 0
    printed = capsys.readouterr().out
    assert "s per training (probe: " in printed
    assert "disk         unknown until the first trials end; " in printed


def test_status_of_an_unknown_study_is_refused(work_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_main(["nothing"]) == 2
    assert "NAME: no study 'nothing' in studies" in capsys.readouterr().err


def test_a_study_of_an_unknown_format_is_refused(work_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work_folder / "studies" / "taken" / "study.json").write_text(json.dumps({"format": 99}))
    assert main(["--resume", "taken"]) == 2
    assert "format 99 is not known to this version" in capsys.readouterr().err
