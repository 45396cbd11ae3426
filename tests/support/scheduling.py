"""Which tests run in one process, one after the other: those that share what it takes long to make.

And which plans a test over all plans is dealt, where what it shows is the engine's and not a plan's.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from drcore import plans
from tests.support.exhaustive import EXHAUSTIVE

# Tests over all plans, of which each file keeps something a plan: a plan's part of a file is a unit. These look at the
# same drills as others do.
_OVER_PLANS = "tests/plans/family/"
_TOGETHER = {
    "test_rehearsals.py": "test_drills.py",
    "test_permissions.py": "test_drills.py",
    "test_only_tells.py": "test_drills.py",
    "test_busy.py": "test_faults.py",
}
_PLAN = re.compile(r"[\[-]([a-z])[-\]]")
# The longest first, so that no process is left alone with one of them at the end.
_LONGEST = tuple(f"{_OVER_PLANS}test_{name}.py" for name in ("kills", "faults", "drills", "rehearsals", "consents"))


def by_what_they_share(config: pytest.Config, log: Any) -> Any:
    """A scheduler of xdist that gives each unit to one process."""
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = unit_of
    return scheduler


def unit_of(nodeid: str) -> str:
    """A test's file, of tests over all plans a plan's part of it: all tests of a unit run in one process."""
    path, _, name = nodeid.partition("::")
    if not path.startswith(_OVER_PLANS):
        return path
    file = path.removeprefix(_OVER_PLANS)
    plan = _PLAN.search(name.partition("[")[1] + name.partition("[")[2])
    return f"{_OVER_PLANS}{_TOGETHER.get(file, file)}{f' {plan[1]}' if plan else ''}"


def place_of(nodeid: str) -> int:
    """Where in the order a test's file stands: the longest first, then all over plans, then the others as they are."""
    path = nodeid.partition("::")[0]
    if path in _LONGEST:
        return _LONGEST.index(path)
    return len(_LONGEST) + (not path.startswith(_OVER_PLANS))


# How many plans such a test is dealt; the next test of a file is dealt other ones. All of them in `make proof`, and
# where tests are chosen by a word (`-k b-`), as one does for a plan that one changes.
_DEALT = {
    f"{_OVER_PLANS}test_consents.py": 1,
    f"{_OVER_PLANS}test_late_metrics.py": 1,
    f"{_OVER_PLANS}test_parameters.py": 3,
    f"{_OVER_PLANS}test_permissions.py::test_without_one_of_them_a_drill_is_red_where_it_is_needed": 1,
    f"{_OVER_PLANS}test_refusals.py": 1,
    f"{_OVER_PLANS}test_simulations.py": 1,
    f"{_OVER_PLANS}test_ways_back.py": 2,
}
# Or which plans. An act meets a trouble that passes or a refusal for now, whichever is the shorter for its plan; what
# only tells fails for good, a run is killed at each act, where that shows the engine at its least cost. The tests of a
# file look at the same drills. A plan that stands in none of the first two is dealt everything.
_OF_PLANS = {
    f"{_OVER_PLANS}test_faults.py": "ce",
    f"{_OVER_PLANS}test_busy.py": "abdfg",
    f"{_OVER_PLANS}test_kills.py": "e",
    f"{_OVER_PLANS}test_only_tells.py": "ce",
    "tests/notebooks/test_reference.py::test_a_drill_should_show_what_its_reference_shows": "bf",
}
_MET = set("abcdefg")

_CORRUPTION = "tests/sandbox/syncwell/incidents/test_data_corruption.py"
# Whole drills of single courses, and what is long for what it shows: their rooms have other tests. Files, or tests.
_IN_THE_PROOF = {
    "tests/browser/test_lab_g.py",
    "tests/calls/test_secrets.py::test_the_secrets_should_have_turned_up_in_what_was_raised",
    "tests/calls/test_secrets.py::test_a_secret_should_be_in_no_file_and_no_word_of_a_drill_that_raised",
    "tests/diff/test_generated_items.py",
    "tests/launcher/test_without_the_sandbox.py::test_a_whole_drill_should_pass_without_them",
    "tests/notebooks/test_reference.py::test_any_output_that_is_not_the_reference_should_be_noticed",
    "tests/plans/a/test_plan.py::test_each_fault_in_each_region_should_reach_the_goal_by_no_call_to_what_is_away",
    "tests/plans/c/test_plan.py::test_a_drill_should_reach_its_goal_and_measure_honestly",
    "tests/plans/c/test_plan.py::test_a_release_that_loses_data_in_one_store_should_be_replaced_in_both",
    "tests/house/test_add_a_plan.py::test_its_drill_reaches_the_goal_from_the_command_line",
    "tests/launcher/test_notebook.py::test_a_notebook_whose_cell_fails_should_leave_a_record_that_holds",
    "tests/plans/d/test_plan.py::test_a_partner_that_fails_again_after_a_kill_is_paused_again_before_the_run_comes_to_let_it_in",
    "tests/plans/d/test_plan.py::test_a_partner_that_fails_again_while_it_is_let_in_is_paused_again",
    "tests/plans/d/test_plan.py::test_a_partner_whose_probes_fail_stays_paused_and_the_run_can_be_resumed",
    "tests/plans/d/test_plan.py::test_each_fault_is_told_for_what_it_is_and_is_seen_to_its_end",
    "tests/plans/g/test_p08_repair.py",
    "tests/plans/g/test_p08_switch.py::test_no_corrupted_item_should_be_in_the_table_that_is_switched_to",
    "tests/plans/g/test_plan.py",
    "tests/sandbox/syncwell/life/test_table_writers.py::test_the_nightly_tidy_up_should_write_while_its_rule_is_on",
    "tests/plans/a/test_p3_hold_out.py",
    "tests/plans/f/test_release_manifest.py::test_an_older_release_that_was_never_in_a_region_should_not_matter",
    "tests/plans/f/test_release_manifest.py::test_where_a_release_is_named_instead_it_should_be_gone_back_to",
    "tests/plans/family/test_determinism.py",
    "tests/plans/family/test_processes.py::test_a_launcher_that_is_killed_leaves_the_world_but_no_kernel_and_can_be_resumed",
    "tests/plans/family/test_processes.py::test_a_launcher_that_is_stopped_says_so_and_the_run_can_be_resumed",
    "tests/plans/family/test_ways_back.py::test_a_switch_and_its_undo_are_each_done_once_where_the_answers_are_lost",
    "tests/plans/family/test_ways_back.py::test_after_going_back_a_resumed_run_keeps_the_region_out_again",
    "tests/plans/g/test_levers.py",
    "tests/sandbox/identity/test_key_uses.py::test_a_drill_under_own_keys_should_need_what_is_printed_for_them",
    f"{_CORRUPTION}::test_two_worlds_of_a_seed_should_be_corrupted_alike_and_two_seeds_should_not",
    "tests/sandbox/syncwell/incidents/test_region_outage.py",
}
# Of these the first case; the others differ in one word, and each starts a process or carries out a drill.
_FIRST_CASE = {
    "tests/cli/test_bad_input.py::test_a_fault_that_the_world_does_not_know_should_leave_neither_record_nor_world",
    "tests/launcher/test_any_machine.py::test_without_credentials_botocore_should_say_what_is_missing",
    "tests/plans/g/test_p04_recovery_point.py::test_the_recovery_point_should_be_right_before_the_first_bad_write",
    "tests/plans/shared/test_confirmation.py::test_the_verdict_says_who_has_confirmed_it_or_that_nobody_has",
}
NAMED = frozenset((*_LONGEST, *_DEALT, *_OF_PLANS, *_IN_THE_PROOF, *_FIRST_CASE))


def sampled(items: list[pytest.Item], config: pytest.Config) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests of the sample; and the others: in the proof alone, or of a plan that they are not dealt."""
    if EXHAUSTIVE or config.option.keyword or any(".py" in each for each in config.args):
        return items, []
    known: dict[str, list[str]] = {}
    kept: list[pytest.Item] = []
    out: list[pytest.Item] = []
    for item in items:
        (kept if _is_dealt(item, known) else out).append(item)
    return kept, out


def _is_dealt(item: pytest.Item, known: dict[str, list[str]]) -> bool:
    """Whether a test is of the sample, and dealt its plan. `known` are the tests of each file so far, in order."""
    path, _, name = item.nodeid.partition("[")[0].partition("::")
    test = f"{path}::{name}"
    if path in _IN_THE_PROOF or test in _IN_THE_PROOF:
        return False
    if test in _FIRST_CASE:
        return known.setdefault(test, [item.nodeid]) == [item.nodeid]
    many, of = _DEALT.get(path, _DEALT.get(test)), _OF_PLANS.get(path, _OF_PLANS.get(test))
    given = getattr(item, "callspec", None)
    if not given or (many is None and of is None):
        return True
    plan = given.params.get("plan", getattr(given.params.get("scene"), "plan", None))
    if plan is None:
        return True
    if many is None:
        return plan.id in (of or "") or plan.id not in _MET
    ids = list(plans.ids())
    names = known.setdefault(path, [])
    if name not in names:
        names.append(name)
    return (ids.index(plan.id) - names.index(name)) % len(ids) in range(0, 2 * many, 2)
