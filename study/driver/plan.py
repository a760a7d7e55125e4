"""Which trials a study consists of: configurations in their order, each on its seeds, then confirmations.

A configuration runs on ``seeds`` replicates side by side; after all of them the best ones may be confirmed on further
seeds.
"""

from __future__ import annotations

from enum import Enum
from functools import partial

from study.config import StudyConfig, first_points
from study.driver.recorder import Recorder
from study.driver.time_budget import TimeBudget
from study.fault_injection import fault_point
from study.ledger import CONFIRM, Configuration, SearchEnded, TrialProposed, TrialRecord, ranked_configurations
from study.search.objective import told_value
from study.search.proposals import Proposals, outcome
from trainables.config import RunConfig
from trainables.objective import Objective


class NoTrial(Enum):
    """Why there is no next trial: results are awaited, or the study has all its trials."""

    WAITING = "waiting"
    EXHAUSTED = "exhausted"


class TrialPlan:
    """Declares trials in the ledger. replicates: trials of the search, by configuration, in seed order.
    confirmations: the other ones, in number order."""

    def __init__(self, study: StudyConfig, run: RunConfig, recorder: Recorder, time_budget: TimeBudget) -> None:
        self.study, self.run, self.recorder, self.time_budget = study, run, recorder, time_budget
        objective = Objective.of(run.selection.rule, run.selection.signal, "mAP")
        self.proposals = Proposals(study, first_points(study, run), objective)
        self.replicates: dict[int, list[TrialRecord]] = {}
        self.confirmations: list[TrialRecord] = []
        self._exhausted = False
        self._best: tuple[int, list[int]] = 0, []  # of so many configurations

    def next_trial(self) -> TrialRecord | NoTrial:
        """A new trial; it is in the ledger when this returns."""
        last = len(self.replicates) - 1
        if last >= 0 and len(self.replicates[last]) < self.study.seeds:
            return self._replicate(last, self.replicates[last][0].origin, len(self.replicates[last]))
        if last + 1 < self.study.num_configurations and not self._exhausted:
            if not self.proposals.ready:
                return NoTrial.WAITING
            proposal = None if self._ends_early() else self.proposals.propose()
            if proposal is not None:
                return self._new(proposal, seed=0)
            self._exhausted = True
        if self._num_unfinished():
            return NoTrial.WAITING  # the best are not known yet
        confirmation = self._confirmation()
        if confirmation is not None:
            return self._replicate(confirmation[0], CONFIRM, confirmation[1])
        # A trial that runs may have to be run again.
        ended = self.recorder.num_finished == len(self.recorder.records)
        return NoTrial.EXHAUSTED if ended else NoTrial.WAITING

    def has_ended(self) -> bool:
        """Whether the search is over before its budget is, and nothing is left to run."""
        if len(self.replicates) >= self.study.num_configurations:
            return False
        whole = all(len(records) >= self.study.seeds for records in self.replicates.values())
        finished = self.recorder.num_finished == len(self.recorder.records)
        return bool(self.replicates) and whole and finished and self._ends_early() and self._confirmation() is None

    def _ends_early(self) -> bool:
        """Whether target, patience or time leave no further configuration; then the ledger says so."""
        reason, limit_s = self.proposals.search_end(), None
        if reason is None and not self._has_time():
            limit_s = self.study.time_budget_s
            reason = f"no further configuration fits into the time budget of {limit_s:g} s"
        if reason is None:
            return False
        last = self.recorder.search_end
        if last is None or (last.reason, last.configurations) != (reason, len(self.replicates)):
            self.recorder.note(SearchEnded(reason, len(self.replicates), limit_s))
        return True

    def _has_time(self) -> bool:
        """A search that time has ended stays so while its confirmations run, unless it is given more."""
        limit_s, last = self.study.time_budget_s, self.recorder.search_end
        if limit_s is None:
            return True
        if last is not None and last.time_budget_s is not None and limit_s <= last.time_budget_s:
            return False
        return self.time_budget.admits(self.recorder.longest_s, self._num_unfinished())

    def declare(self, number: int, configuration: Configuration, seed: int) -> TrialRecord:
        """seed: number of the replicate, counted from the first seed."""
        return self.recorder.write(TrialProposed(number, configuration, self.run.seed + seed))

    def tell(self, configuration: int) -> None:
        """The search learns the outcome of a configuration once its replicates have all ended."""
        replicates = self.replicates[configuration]
        ended = [record for record in replicates if record.finished]
        if len(ended) == self.study.seeds and not self.proposals.knows(configuration):
            self.proposals.tell(configuration, outcome(ended, self.study.objective))
            fault_point("search told")

    def _replicate(self, configuration: int, origin: str, seed: int) -> TrialRecord:
        params = self.replicates[configuration][0].params
        return self._new(Configuration(configuration, params, origin), seed)

    def _new(self, configuration: Configuration, seed: int) -> TrialRecord:
        record = self.declare(len(self.recorder.records), configuration, seed)
        self.place(record)
        return record

    def place(self, record: TrialRecord) -> None:
        """Take in a trial that is declared."""
        if record.origin == CONFIRM:
            self.confirmations.append(record)
        else:
            self.replicates.setdefault(number_of(record), []).append(record)

    def _num_unfinished(self) -> int:
        """Of the search: counted by what is not, as this is asked for at each step of a long study."""
        unfinished = len(self.recorder.records) - self.recorder.num_finished
        return unfinished - sum(not record.finished for record in self.confirmations)

    def _confirmation(self) -> tuple[int, int] | None:
        """The next run of one of the best configurations on a seed that did not choose it: its configuration, and the
        number of the replicate; None where none is left."""
        plan = self.study.confirm
        if plan is None:
            return None
        known = {(record.configuration, record.seed) for record in self.confirmations}
        for configuration in self._best_configurations(plan.top):
            for further in range(self.study.seeds, self.study.seeds + plan.seeds):
                if (configuration, self.run.seed + further) not in known:
                    return configuration, further
        return None

    def _best_configurations(self, top: int) -> list[int]:
        """Of a search whose trials have all ended: ranked once."""
        if self._best[0] != len(self.replicates):
            search = [record for records in self.replicates.values() for record in records]
            # By what the search maximises: where refinement helps no configuration, all report the same number of M0.
            told = partial(told_value, objective=self.study.objective)
            ranked = ranked_configurations(search, self.run.pseudo_labels.generator, told)[:top]
            self._best = len(self.replicates), [number_of(replicates[0]) for replicates in ranked]
        return self._best[1]


def number_of(record: TrialRecord) -> int:
    """Number of the configuration that a declared trial runs."""
    assert record.configuration is not None, "the trials of a plan are declared"
    return record.configuration
