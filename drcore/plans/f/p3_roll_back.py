"""Plan F, the way back: deployments are kept out, functions, then the API go to the release that was decided."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepName, Target, never, no, not_needed, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import by_region
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.errors import Busy
from drcore.plans.f import titles
from drcore.plans.f.decided_release import target_release
from drcore.plans.f.facts import Facts, FRun
from drcore.plans.shared.deploy_freeze import freeze
from drcore.plans.shared.release_shift import functions, shift_functions, shift_stage
from drcore.services import codedeploy, lambda_

# ── Freeze the pipeline ──────────────────────────────────────────────────────────────────────────────────────────────


def nothing_to_roll_back(run: FRun) -> str:
    decided = run.result(titles.DECIDE)
    if "detected" not in run.moments and decided and decided.outcome == "ALREADY":
        return "deployments may enter, and may go on to: no trouble was seen, nothing is to be rolled back"
    return ""


FREEZE = freeze(titles.FREEZE, until=titles.UNFREEZE, needs=(titles.DETECT,), idle=nothing_to_roll_back)


# ── Stop the running deployment ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Deploying:
    """The deployments that shift traffic now; those that CodeDeploy has begun itself, to undo another one."""

    running: tuple[str, ...] = field(metadata=label("running deployments"))
    rollbacks: tuple[str, ...] = field(default=(), metadata=label("rollbacks by CodeDeploy"))


def see_deployments(run: FRun, target: Target) -> Deploying:
    deploys = run.facts.codedeploy
    running = codedeploy.running(run.aws, target.region, deploys.application, deploys.group)
    return Deploying(
        tuple(deployment.id for deployment in running if not deployment.rolls_back),
        tuple(deployment.id for deployment in running if deployment.rolls_back),
    )


def nothing_deploys(run: FRun, target: Target, seen: Deploying) -> Check:
    if seen.running:
        return no(f"running: {', '.join(seen.running)}")
    if seen.rollbacks:
        return no(f"CodeDeploy rolls back itself, which is waited for: {', '.join(seen.rollbacks)}")
    return yes("no deployment is running")


def stop_deployment(run: FRun, target: Target, seen: Deploying) -> str:
    """A rollback is left alone: to stop it would begin another one, and leave the aliases where they are."""
    if not seen.running:
        raise Busy(f"CodeDeploy rolls back in {target.region}: {', '.join(seen.rollbacks)}", "RollbackInProgress")
    stopped = codedeploy.stop(run.aws, target.region, seen.running[0])
    return f"{seen.running[0]}: {stopped}"


def _stop(name: StepName, *, needs: tuple[StepName, ...]) -> Step[Facts, Deploying]:
    return Step(
        name,
        changes="CodeDeploy is stopped, so that it does not fight the rollback",
        look=see_deployments,
        expect=nothing_deploys,
        act=stop_deployment,
        supposed=lambda run, target, seen: codedeploy.stop(run.aws, target.region, "<running deployment>"),
        targets=regions,
        needs=needs,
        consent=Consent.GO,
        phrase=lambda run, states: (
            "STOP " + by_region(states, lambda target, seen: ", ".join(seen.running) or "none, wait for the rollback")
        ),
        reversibility=Reversibility.COMPENSABLE,
        patience=Patience(within=180),
        repeat=True,
        permissions=iam_actions("codedeploy:StopDeployment"),  # on all or on none, as AWS has it
    )


STOP = _stop(titles.STOP, needs=(titles.DECIDE, titles.FREEZE))


# ── Lambda rollback ──────────────────────────────────────────────────────────────────────────────────────────────────


LAMBDA = shift_functions(
    titles.LAMBDA,
    target_release,
    needs=(titles.DECIDE, titles.STOP, titles.FREEZE),
)


# ── API Gateway rollback ─────────────────────────────────────────────────────────────────────────────────────────────


API = shift_stage(
    titles.API,
    target_release,
    needs=(titles.DECIDE, titles.FREEZE),
)


# ── Stop what deploys again ──────────────────────────────────────────────────────────────────────────────────────────


# What had entered before the way in was closed may have begun to shift traffic since.
STOP_LATE = _stop(titles.STOP_LATE, needs=(titles.LAMBDA, titles.API))


# ── Provisioned concurrency ──────────────────────────────────────────────────────────────────────────────────────────


def see_provisioned(run: FRun, target: Target) -> lambda_.Provisioned:
    return lambda_.provisioned(run.aws, target.region, target.thing, run.facts.alias)


def is_warm(run: FRun, target: Target, seen: lambda_.Provisioned) -> Check:
    if not seen.status:
        return not_needed("none is configured")
    capacity = f"{seen.available} of {seen.requested} are there, {seen.status}"
    if seen.status == "FAILED":
        return never(f"{capacity}: requests start cold; configure it again")
    if seen.status == "IN_PROGRESS":
        return no(f"{capacity}: some requests start cold")
    return yes(capacity) if seen.status == "READY" else unknown(capacity)


PROVISIONED = Step(
    titles.PROVISIONED,
    changes="nothing: waits until the old version is warm again",
    look=see_provisioned,
    expect=is_warm,
    targets=functions,
    needs=(titles.LAMBDA,),
    gate=False,
    patience=Patience(within=lambda run: 60 * run.facts.provisioned_minutes, every=20),
)


STEPS = (FREEZE, STOP, LAMBDA, API, STOP_LATE, PROVISIONED)
