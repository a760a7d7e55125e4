"""A study's folder and its ledger: settings, events, records of trials, ranking, repair.

All that ``analysis`` may import of ``study``. Neither numpy nor torch.
"""

from __future__ import annotations

from study.ledger.against_m0 import AgainstM0, Gain, against_m0, differences_to_m0
from study.ledger.folder import FolderExists, StudyFolder, check_name, free_name, nearest_existing, trial_name
from study.ledger.ledger_file import Ledger, LedgerContents, read_ledger
from study.ledger.lock import is_driven, lock
from study.ledger.ranking import (
    CONFIRM,
    ORACLE,
    RankedPoint,
    Replicate,
    best_configuration,
    every_ranked_point,
    generator_of,
    point_key,
    ranked_configurations,
    ranked_points,
)
from study.ledger.records import TrialRecord, search_end, trial_records
from study.ledger.repair import repair_from_checkpoints
from study.ledger.seed_effects import Estimate, configuration_means, estimates, have_equal_seeds
from study.ledger.settings import (
    DatasetSettings,
    OpenedStudy,
    StudySettings,
    create_folder,
    open_study,
    write_settings,
)
from study.ledger.study_events import (
    Event,
    SearchEnded,
    SearchLimits,
    Session,
    StudyCreated,
    StudyEnded,
    StudyResumed,
    StudyStarted,
    StudyStopped,
)
from study.ledger.trial_events import (
    FINAL_STATES,
    Configuration,
    IterationEnded,
    TrialEnded,
    TrialEvent,
    TrialProposed,
    TrialRetried,
    TrialStarted,
)

__all__ = [
    "CONFIRM",
    "FINAL_STATES",
    "ORACLE",
    "AgainstM0",
    "Configuration",
    "DatasetSettings",
    "Estimate",
    "Event",
    "FolderExists",
    "Gain",
    "IterationEnded",
    "Ledger",
    "LedgerContents",
    "OpenedStudy",
    "RankedPoint",
    "Replicate",
    "SearchEnded",
    "SearchLimits",
    "Session",
    "StudyCreated",
    "StudyEnded",
    "StudyFolder",
    "StudyResumed",
    "StudySettings",
    "StudyStarted",
    "StudyStopped",
    "TrialEnded",
    "TrialEvent",
    "TrialProposed",
    "TrialRecord",
    "TrialRetried",
    "TrialStarted",
    "against_m0",
    "best_configuration",
    "check_name",
    "configuration_means",
    "create_folder",
    "differences_to_m0",
    "estimates",
    "every_ranked_point",
    "free_name",
    "generator_of",
    "have_equal_seeds",
    "is_driven",
    "lock",
    "nearest_existing",
    "open_study",
    "point_key",
    "ranked_configurations",
    "ranked_points",
    "read_ledger",
    "repair_from_checkpoints",
    "search_end",
    "trial_name",
    "trial_records",
    "write_settings",
]
