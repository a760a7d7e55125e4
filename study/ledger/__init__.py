"""A study's folder and its ledger: events, records of trials, repair. All that ``analysis`` may import of ``study``."""

from __future__ import annotations

from study.ledger.events import FINAL_STATES, Event, Ledger, TrialRecord, iteration_fields, read_events, trial_records
from study.ledger.folder import (
    StudyFolder,
    check_name,
    create_folder,
    free_name,
    is_driven,
    lock,
    nearest_existing,
    open_folder,
    settings_in_ledger,
    trial_name,
    write_settings,
)
from study.ledger.ranking import (
    CONFIRM,
    ORACLE,
    Replicate,
    best_configuration,
    generator_of,
    point_key,
    ranked_configurations,
    ranked_points,
)
from study.ledger.repair import repair_from_checkpoints

__all__ = [
    "CONFIRM",
    "FINAL_STATES",
    "ORACLE",
    "Event",
    "Ledger",
    "Replicate",
    "StudyFolder",
    "TrialRecord",
    "best_configuration",
    "check_name",
    "create_folder",
    "free_name",
    "generator_of",
    "is_driven",
    "iteration_fields",
    "lock",
    "nearest_existing",
    "open_folder",
    "point_key",
    "ranked_configurations",
    "ranked_points",
    "read_events",
    "repair_from_checkpoints",
    "settings_in_ledger",
    "trial_name",
    "trial_records",
    "write_settings",
]
