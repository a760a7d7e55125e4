"""From the options of a command to everything a study needs, checked. Imports neither torch nor Ray."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from study.cli.assignments import parse_assignments
from study.cli.config_file import with_config
from study.cli.earlier_points import with_points_of
from study.cli.fit_to_data import with_usable_rule, without_oracle
from study.cli.given_points import with_given_points
from study.cli.resume import extended, require_same_data, require_same_settings, version_changes
from study.config import (
    StudyConfig,
    check_values,
    known_point,
    load_study_config,
    parse_study,
    recorded_study,
    studies,
    varied_thresholds,
    with_thresholds,
)
from study.ledger import (
    DatasetSettings,
    FolderExists,
    LedgerContents,
    OpenedStudy,
    SearchLimits,
    StudyFolder,
    StudySettings,
    check_name,
    create_folder,
    free_name,
    open_study,
)
from study.placement import Placement, TrialMemory, count_cores, count_gpus, estimated_memory, gpu_memory, place
from trainables.config import (
    GENERATOR,
    LABELS_TO_PREDICTIONS,
    OF_PREDICTIONS,
    TUNE,
    RunConfig,
    check_joint,
    parse_config,
    preset,
)
from trainables.data import note_use, write_ground_truth, write_intervals
from trainables.datasets import (
    DataCard,
    Dataset,
    FeatureFolder,
    Split,
    feature_protocol,
    load_dataset,
    make_card,
    require_files,
)
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.labels import generator_named

DEFAULT_STUDY, DEFAULT_DATASET = "search", "spoken-digits"
PACKAGES = ("ray", "optuna", "torch", "numpy", "pandas", "pydantic")
# Parts of them are used that are not public: under another version, trials may stop or other points be proposed.
WRITTEN_FOR = {"ray": "2.60", "optuna": "5.0"}


@dataclass(frozen=True)
class Request:
    """A study that can be run. opened: None for a new study. notes: what the user should know. stem: of a name that
    was made by adding a number to it."""

    name: str
    study_dir: Path
    data_dir: Path
    study: StudyConfig
    run: RunConfig
    data: Dataset
    card: DataCard
    opened: OpenedStudy | None = None
    notes: list[str] = field(default_factory=list)
    stem: str | None = None

    def create(self, command: list[str]) -> StudyFolder:
        """The folder of the study: made now when it is new, completed when something is missing in it.

        Of two studies that get a number at once, the later one takes the next. Raises UserError.
        """
        if self.opened:
            self._complete(self.opened.folder)
            return self.opened.folder
        name = self.name
        while True:
            try:
                return create_folder(self.study_dir, name, self._settings(command), self._fill)
            except FolderExists:
                if self.stem is None:
                    raise
                name = free_name(self.study_dir, self.stem)

    def _fill(self, folder: StudyFolder) -> None:
        test = self.data.test
        write_ground_truth(folder.ground_truth_file, test.ground_truth, test.durations_s, self.data.classes)
        names = {split.name: scored_videos(split) for split in (self.data.train, test)}
        write_whole(folder.videos_file, json.dumps(names, ensure_ascii=False).encode())
        write_intervals(folder.ambiguous_file, test.ambiguous)

    def _complete(self, folder: StudyFolder) -> None:
        """A study of an older version may have been killed while its folder was made."""
        try:
            for part in ("predictions", "checkpoints"):
                (folder.path / part).mkdir(exist_ok=True)
            if not folder.ground_truth_file.is_file() or not folder.ground_truth_file.stat().st_size:
                self._fill(folder)
        except OSError as error:
            raise UserError(f"--study-dir: {folder.path} cannot be written to: {error.strerror}") from None

    def note_features_used(self, folder: StudyFolder) -> None:
        """So that nobody removes them while the study, whose lock is held, runs (``study.caches``)."""
        for split in (self.data.train, self.data.test):
            try:
                note_use(split.features, folder.name)
            except OSError as error:
                print(f"note: {error.filename}: {error.strerror}; study.caches will not know that this study uses it")
                return

    @property
    def ledger(self) -> LedgerContents | None:
        """Of the study, as it was read; None for a new study."""
        return self.opened.ledger if self.opened else None

    def _settings(self, command: list[str]) -> StudySettings:
        data, protocol = self.data, feature_protocol(self.run.dataset, self.data_dir)
        return StudySettings(
            run=self.run.model_dump(mode="json"),
            study=self.study.as_dict(),
            command=tuple(command),
            dataset=DatasetSettings(data.name, data.title, data.simulated, tuple(data.classes), tuple(data.notes)),
            data_dir=str(self.data_dir.absolute()),
            card=self.card.as_dict(),
            versions=versions(),
            features=protocol.to_json() if protocol else None,
        )


def scored_videos(split: Split) -> list[str]:
    """Names of the videos of a split that models are trained or tested on, in its order."""
    return [video.name for video in split.videos if video.num_snippets and video.labels]


def read_request(given: Namespace) -> Request:
    """The request of a command line; raises UserError for whatever is wrong with it."""
    study_dir = given.study_dir or Path("studies")
    return _resumed(given, study_dir) if given.resume else _new(given, study_dir)


def recorded_data(folder: StudyFolder, data_dir: Path | None = None) -> Dataset:
    """The data set of a study, checked to be the same; raises UserError. data_dir: where it is now, if elsewhere."""
    given = Namespace(
        resume=folder.path.name, study_dir=folder.path.parent, data_dir=data_dir, num_samples=None,
        dry_run=True, rerun=None,
    )  # fmt: skip
    return read_request(given).data


def read_placement(
    given: Namespace,
    run: RunConfig,
    data: Dataset,
    cluster: tuple[int, int] | None = None,
    memory: TrialMemory | None = None,
) -> Placement:
    """Where the trials go: on this machine, or on a ``cluster`` of (cores, GPUs). memory: of a trial, where it is known
    better than by arithmetic. Raises UserError."""
    wanted = None if given.gpus_per_trial in (None, "auto") else float(given.gpus_per_trial)
    cores, gpus = cluster or (count_cores(), count_gpus())
    together = given.trials_per_process or 1
    if run.compute.device == "cpu":
        if wanted:
            raise UserError(f"--gpus-per-trial: {wanted:g} asked for, but compute.device is cpu; leave one of them")
        wanted = 0.0
    if gpus and wanted != 0 and memory is None:
        device_bytes = None if cluster else gpu_memory()
        if device_bytes is None and wanted and not cluster:
            raise UserError(f"--gpus-per-trial: {wanted:g} asked for, but the installed torch cannot use the GPU here")
        gpus = gpus if device_bytes or cluster else 0
        memory = estimated_memory(run, data, device_bytes, trials_per_process=together)
    return place(cores, gpus, run.compute.threads, given.cpus_per_trial, wanted, given.max_concurrent, memory, together)


def check_together(given: Namespace, request: Request) -> None:
    """Trials may share a process where nothing is asked that needs one for each; raises UserError."""
    if (given.trials_per_process or 1) == 1:
        return
    check_joint(request.run)
    if request.study.pruner != "none":
        raise UserError(f"--trials-per-process: pruner {request.study.pruner} stops single trials; leave one of them")
    if given.trial_timeout is not None:
        raise UserError("--trials-per-process: --trial-timeout is for single trials; leave one of them out")


def require_versions() -> None:
    """Raises UserError where Ray or Optuna is another one than this project was written for (``pyproject.toml``)."""
    for name, written_for in WRITTEN_FOR.items():
        found = metadata.version(name)
        if not found.startswith(f"{written_for}."):
            raise UserError(
                f"{name} {found} is installed, and studies take {written_for}: pip install '{name}=={written_for}.*'"
            )


def versions() -> dict[str, str]:
    """Installed versions of what the numbers depend on."""
    return {name: metadata.version(name) for name in PACKAGES}


def base_environment(request: Request, placement: Placement) -> dict[str, str]:
    """What a base model depends on beside its configuration: data, the libraries that compute, the kind of device."""
    on_gpu = placement.gpus_per_trial and request.run.compute.device != "cpu"
    libraries = {name: metadata.version(name) for name in ("torch", "numpy")}
    return {**libraries, "data": request.card.content_hash, "device": "cuda" if on_gpu else "cpu"}


def _new(given: Namespace, study_dir: Path) -> Request:
    study, run, notes = read_configuration(given)
    earlier = vars(given)["from"]  # a keyword of the language
    if earlier is not None:
        study, sentence = with_points_of(study, study_dir, earlier, run.thresholds)
        notes.append(sentence)
    parts = (run.dataset.name, given.base_model, study.name)
    stem = "-".join(part for part in parts if part)
    name = given.name or free_name(study_dir, stem)
    check_name(study_dir, name)
    data_dir = given.data_dir or Path("data")
    data = _load(run, data_dir, _kept_features(given, study_dir))
    if given.selection is None and not _sets_rule(given):
        study, run, told = with_usable_rule(study, run, data)
        notes += told
    if (given.study or DEFAULT_STUDY) in studies():  # a space that the user wrote is meant as it stands
        study, told = without_oracle(study, run, data)
        notes += told
    card, numbered = make_card(data, run.dataset), None if given.name else stem
    return Request(name, study_dir, data_dir, study, run, data, card, notes=notes, stem=numbered)


def read_configuration(given: Namespace) -> tuple[StudyConfig, RunConfig, list[str]]:
    """What the options say of study and runs, and what the user should know of it, before any data are looked at;
    raises UserError."""
    study = _changed(load_study_config(given.study or DEFAULT_STUDY), given)
    run = _run_config(given, study)
    study = with_thresholds(study, run.thresholds)
    notes = _checked(given, study, run)
    _check_target(study, run)
    if given.trial:
        study, told = with_given_points(study, run, given.trial)
        notes += told
    return study, run, notes


def _sets_rule(given: Namespace) -> bool:
    return "selection.rule" in parse_assignments(given.set or [])


def _check_target(study: StudyConfig, run: RunConfig) -> None:
    """mAP is in percent; a signal that selects has a range of its own."""
    target = study.target
    if target is None or run.selection.rule == "video-labels" or 1 <= target <= 100:
        return
    meant = f"; {100 * target:g} is meant?" if 0 < target < 1 else ""
    raise UserError(f"--target: mAP is in percent, from 1 to 100, got {target:g}{meant}")


def _changed(study: StudyConfig, given: Namespace) -> StudyConfig:
    names = ("num_samples", "seeds", "seed", "selection", "lookback", "sampler", "pruner", "grace", "target",
             "patience", "thresholds")  # fmt: skip
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.confirm is not None:
        changes["confirm"] = {**(study.confirm.model_dump() if study.confirm else {}), "top": given.confirm}
    if given.time_budget is not None:
        changes["time_budget_s"] = given.time_budget
    if given.asynchronous:
        changes["asynchronous"] = True
    if given.no_shared_base:
        changes["shared_base"] = False
    return parse_study({**study.as_dict(), **changes}, "command line")


def _run_config(given: Namespace, study: StudyConfig) -> RunConfig:
    """Preset, then the study's own settings, then the options, then --set: the later one wins."""
    run = preset(*preset_arguments(given))
    if given.config:
        run = with_config(run, given.config)
    run = run.updated(study.overrides, source=f"study {study.name}: overrides")
    options: dict[str, Any] = {"seed": study.seed}
    if study.selection:
        options["selection.rule"] = study.selection
    if study.thresholds:
        options["thresholds"] = study.thresholds
    if given.allow_missing:
        options["dataset.allow_missing"] = True
    # At once: thresholds that become one pair may need one of them to be set with it.
    return run.updated({**options, **parse_assignments(given.set or [])})


def preset_arguments(given: Namespace) -> tuple[str, str | None, Any, str]:
    """Of the functions in ``trainables.config`` that make the configuration which a data set starts from."""
    dataset, protocol = given.dataset or DEFAULT_DATASET, given.protocol or "released"
    return dataset, given.features, protocol, given.base_model or "refineloc"


def _checked(given: Namespace, study: StudyConfig, run: RunConfig) -> list[str]:
    """What the user should know of the space; raises UserError where it does not fit the configuration."""
    one_pair = run.thresholds == "both"
    varied = {*study.space, *(LABELS_TO_PREDICTIONS[key] for key in varied_thresholds(study) if one_pair)}
    for key in parse_assignments(given.set or []):
        if key in varied:
            raise UserError(
                f"--set: {key} is what study '{study.name}' varies; choose another --study, or leave it out"
            )
    check_values(study.space, run, f"study {study.name}")
    _check_tuning(study, run)
    for generator in searched_generators(study, run):
        generator_named(generator)
    if not study.start_from_preset or study.exhaustive:
        return []
    return known_point(study.space, run)[1]


def _check_tuning(study: StudyConfig, run: RunConfig) -> None:
    """Raises UserError where the search and the tuning would choose the same thresholds."""
    tunes = {run.prediction.tune, *(study.space[TUNE].choices or () if TUNE in study.space else ())}
    searched = [key for key in OF_PREDICTIONS if key in study.space]
    if "thresholds" in tunes and searched:
        raise UserError(
            f"study {study.name}: space: {searched[0]} is searched, and {TUNE}: thresholds chooses it after each "
            f"training; leave it out of the space, or set {TUNE}=none"
        )


def searched_generators(study: StudyConfig, run: RunConfig) -> list[str]:
    """All that make labels in a study."""
    searched = study.space[GENERATOR].choices or () if GENERATOR in study.space else (run.pseudo_labels.generator,)
    return [str(name) for name in searched]


def _load(run: RunConfig, data_dir: Path, kept: FeatureFolder) -> Dataset:
    require_files(run.dataset, data_dir)
    return load_dataset(run.dataset, data_dir, kept)


def _kept_features(given: Namespace, study_dir: Path) -> FeatureFolder:
    """Beside the studies, where all nodes see them; commands that start no study make nothing there."""
    return FeatureFolder(study_dir / ".features", may_write=not (given.dry_run or given.rerun))


def _resumed(given: Namespace, study_dir: Path) -> Request:
    opened = open_study(study_dir, given.resume, "--resume")
    settings, source = opened.settings, str(opened.folder.study_file)
    require_same_settings(opened)
    run = parse_config(settings.run, source)
    limits = SearchLimits(*(getattr(given, name, None) for name in ("target", "patience", "time_budget")))
    study = extended(recorded_study(settings.study, source), opened, given.num_samples, limits)
    _check_target(study, run)
    data_dir = given.data_dir or Path(settings.data_dir)
    data = _load(run, data_dir, _kept_features(given, study_dir))
    card = make_card(data, run.dataset)
    require_same_data(settings.card, card, opened)
    notes = [*opened.notes, *version_changes(settings.versions, versions())]
    return Request(opened.folder.name, opened.folder.path.parent, data_dir, study, run, data, card, opened, notes)
