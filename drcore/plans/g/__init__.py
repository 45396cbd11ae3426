"""Plan G: users' data is corrupted; it is repaired in place, or restored to a point in time.

The phase files are the procedure, in the order of their numbers; each owns its steps, and PLAN strings them together.
Of the phases 08 one remedy needs `p08_repair`, the other the three that end with `p08_switch`. "G.1" to "G.7" are the
numbers of the plan's own list.
"""

from __future__ import annotations

from drcore.engine.step import Plan
from drcore.plans.g import (
    by_hand,
    p01_confirm,
    p02_deny_writes,
    p02_halt,
    p02_halt_writers,
    p02_stop_functions,
    p03_prove_nothing_writes,
    p04_recovery_point,
    p05_restore,
    p06_compare,
    p07_decide,
    p08_keep_evidence,
    p08_prepare_table,
    p08_repair,
    p08_switch,
    p09_imports,
    p09_sign_off,
    p09_waiting_jobs,
    p10_resume_workers,
    p11_resume_functions,
    p12_old_table_unread,
    p12_redrive_jobs,
    p12_resume_feeds,
    p13_close,
    titles,
)
from drcore.plans.g.facts import Facts, Incident
from drcore.plans.g.p01_confirm import ACKNOWLEDGE, CONFIRM, DETECT, MAINTENANCE, NOTIFY
from drcore.plans.g.p02_deny_writes import DENY
from drcore.plans.g.p02_halt import HALT
from drcore.plans.g.p02_halt_writers import FREEZE, RULES, SCALING, SOURCES, WORKERS
from drcore.plans.g.p02_stop_functions import FUNCTIONS
from drcore.plans.g.p03_prove_nothing_writes import NOTHING_WRITES
from drcore.plans.g.p04_recovery_point import EXPORT, RECOVERY_POINT
from drcore.plans.g.p05_restore import RESTORE
from drcore.plans.g.p06_compare import COMPARE, SAMPLE, SPOT_CHECK
from drcore.plans.g.p07_decide import DECIDE
from drcore.plans.g.p08_keep_evidence import KEEP
from drcore.plans.g.p08_prepare_table import REPLICAS, SETTINGS
from drcore.plans.g.p08_repair import INVERSE, REPAIR
from drcore.plans.g.p08_switch import SWITCH
from drcore.plans.g.p09_imports import IMPORTS
from drcore.plans.g.p09_sign_off import ALLOW, SIGN_OFF
from drcore.plans.g.p09_waiting_jobs import HOLD_JOBS, JOBS
from drcore.plans.g.p10_resume_workers import WORKERS_AGAIN
from drcore.plans.g.p11_resume_functions import FUNCTIONS_AGAIN
from drcore.plans.g.p12_old_table_unread import OLD_TABLE_UNREAD
from drcore.plans.g.p12_redrive_jobs import REDRIVE
from drcore.plans.g.p12_resume_feeds import PROVISIONED_AGAIN, RULES_AGAIN, SCALING_AGAIN, SOURCES_AGAIN
from drcore.plans.g.p13_close import CLOSE, POSTMORTEM, RESTORED, UNFREEZE, USERS
from drcore.plans.g.preflight import must_exist

PLAN = Plan[Facts](
    id="g",
    title="Widespread user data corruption",
    notebook="g_data_corruption.ipynb",
    steps=(
        *p01_confirm.STEPS,
        *p02_halt.STEPS,
        *p02_deny_writes.STEPS,
        *p02_halt_writers.STEPS,
        *p02_stop_functions.STEPS,
        *p03_prove_nothing_writes.STEPS,
        *p04_recovery_point.STEPS,
        *p05_restore.STEPS,
        *p06_compare.STEPS,
        *p07_decide.STEPS,
        *p08_repair.STEPS,
        *p08_prepare_table.STEPS,
        *p08_keep_evidence.STEPS,
        *p08_switch.STEPS,
        *p09_sign_off.STEPS,
        *p09_waiting_jobs.STEPS,
        *p09_imports.STEPS,
        *p10_resume_workers.STEPS,
        *p11_resume_functions.STEPS,
        *p12_resume_feeds.STEPS,
        *p12_redrive_jobs.STEPS,
        *p12_old_table_unread.STEPS,
        *p13_close.STEPS,
    ),
    goal=USERS,
    stands=titles.STANDS,
    facts=Facts,
    incident=Incident,
    faults=("data-corruption",),
    rto=lambda run: 60 * run.facts.rto_minutes,
    must_exist=must_exist,
    by_hand=by_hand.card,
)
