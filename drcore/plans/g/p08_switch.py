"""Plan G, phase 8: the switch, by which AppConfig names the restored table to all consumers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import region_names
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Rejected
from drcore.plans.g import resources, titles
from drcore.plans.g.decisions import not_the_remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.p08_prepare_table import ACTIVE
from drcore.plans.g.tables import consumed_table, restored_table, table, table_configuration
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table
from drcore.services import appconfig
from drcore.services.appconfig import EnvironmentDeployment
from drcore.services.dynamodb import settings

VERSION, DEPLOYMENT = "new version", "deployment"
# After a switch the policy lets nobody in that it had denied: the first of these is what lets somebody write.
_LETS_WRITE = (titles.ALLOW, titles.WORKERS_AGAIN, titles.FUNCTIONS_AGAIN)


@dataclass(frozen=True, slots=True)
class ConfiguredTable:
    """The table that AppConfig gives a region's consumers, by which version; the newest version, the last deployment.

    `there`: the restored table can be used in this region. A version that is not deployed changes nothing.
    """

    consumed: str
    version: str = field(compare=False)
    newest: int = field(compare=False)
    newest_names: str = field(compare=False)
    deployment: EnvironmentDeployment = field(compare=False)
    there: bool = field(compare=False)

    def describe(self) -> str | Mapping[str, object]:
        return {"table that consumers get": self.consumed} if self.consumed else "not looked at"


def switching(run: GRun) -> list[Target]:
    """First a version in each region, then its deployment: so both regions go over within seconds."""
    return [Target(each, thing) for thing in (VERSION, DEPLOYMENT) for each in run.service.regions]


def versions_made(run: GRun, target: Target) -> list[Target]:
    """No region goes over before every region has the version to go over to."""
    return [Target(each, VERSION) for each in run.service.regions] if target.thing == DEPLOYMENT else []


def see_configured(run: GRun, target: Target) -> ConfiguredTable:
    if not_the_remedy(run, Remedy.SWITCH):
        return ConfiguredTable("", "", 0, "", EnvironmentDeployment(), True)
    at, key = table_configuration(run, target.region), run.facts.configuration.key
    newest, last = appconfig.newest(run.aws, target.region, at), appconfig.last_deployment(run.aws, target.region, at)
    there = settings.settings(run.aws, target.region, restored_table(run)).status == ACTIVE
    consumed = consumed_table(run, target.region)
    return ConfiguredTable(consumed, last.version, newest.number, str(newest.content.get(key, "")), last, there)


def is_switched(run: GRun, target: Target, seen: ConfiguredTable) -> Check:
    other = not_the_remedy(run, Remedy.SWITCH)
    if other:
        return other
    wanted = restored_table(run)
    if target.thing == VERSION:
        made = wanted in (seen.newest_names, seen.consumed)
        return (
            yes(f"version {seen.newest} names {wanted}") if made else no(f"version {seen.newest} names {seen.consumed}")
        )
    if not seen.there and not run.rehearsing:
        return never(f"{wanted} is not ACTIVE in {target.region}: nobody must be sent there")
    if seen.consumed != wanted:
        return no(f"consumers get {seen.consumed}")
    if seen.deployment.running:
        return no(f"consumers get {wanted}, the deployment is {seen.deployment.state}")
    if seen.deployment.state != "COMPLETE":
        last = seen.deployment.state or "none"
        return unknown(f"consumers get {wanted}, and yet the last deployment is {last}")
    return yes(f"consumers get {wanted}, by version {seen.deployment.version}")


def switch(run: GRun, target: Target, seen: ConfiguredTable) -> None:
    at, configuration = table_configuration(run, target.region), run.facts.configuration
    why = f"drcore {run.id}: {configuration.key} → {restored_table(run)}"
    if target.thing == VERSION:
        # What consumers have now is changed in one field; a newer version that nobody has deployed is not let in.
        content = appconfig.consumed(run.aws, target.region, at) | {configuration.key: restored_table(run)}
        appconfig.add_version(run.aws, target.region, at, content, seen.newest, why)
        return
    now = see_configured(run, target)  # seen before the version was made
    if now.deployment.running or now.consumed == restored_table(run):
        return  # started by a try that was not answered, or before a restart: under way, or over by now
    number = now.newest
    if now.newest_names != restored_table(run):
        if not run.rehearsing:
            why_not = (
                f"version {number} of {at.profile} in {target.region} names {now.newest_names}: somebody has added it"
            )
            raise Rejected(why_not, "ConflictException")
        number += 1  # the one that would have been made
    strategy = appconfig.strategy(run.aws, target.region, configuration.strategy)
    appconfig.deploy(run.aws, target.region, at, strategy, number, why, now.deployment.number)


def switch_back(run: GRun, target: Target, before: ConfiguredTable) -> None:
    """The old name again; asked for only as long as nobody has written to the restored table, see `why_no_return`."""
    if target.thing == DEPLOYMENT:
        at = table_configuration(run, target.region)
        last = appconfig.last_deployment(run.aws, target.region, at)
        if last.version == before.version and (last.running or last.state == "COMPLETE"):
            return  # started by a try that was not answered, or before a restart: under way, or over by now
        strategy = appconfig.strategy(run.aws, target.region, run.facts.configuration.strategy)
        why = f"drcore {run.id}: back to {before.consumed}"
        appconfig.deploy(run.aws, target.region, at, strategy, int(before.version), why, last.number)


def why_no_return(run: GRun) -> str:
    """Once this run has let somebody write to the restored table, why it undoes nothing; empty before that.

    Not even what came after: workers that are halted again, with no table to bring back, would help nobody.
    """
    resumed = next((step for step in _LETS_WRITE if run.history.has(Kind.INTENT, step=step)), None)
    if not resumed:
        return ""
    return (
        f"{resumed} was done, and what has been written to {restored_table(run)} since would be lost. Mend forward. If "
        f"{table(run)} must come back: halt all writers, compare both tables (drcore diff), carry the changes over, "
        f"then set {run.facts.configuration.key} by hand"
    )


def show_switch(run: GRun, states: Mapping[Target, ConfiguredTable]) -> Iterator[Exhibit]:
    if not_the_remedy(run, Remedy.SWITCH):
        return
    rows = tuple(
        (target.region, seen.consumed, seen.deployment.version, seen.deployment.state)
        for target, seen in states.items()
        if target.thing == DEPLOYMENT
    )
    columns = ("region", "consumers get", "by version", "deployment")
    yield Table(
        "switched", f"{run.facts.configuration.key} in AppConfig, as a consumer reads it that starts now", columns, rows
    )


SWITCH = Step(
    titles.SWITCH,
    changes="AppConfig names the restored table in every region; once writers resume it cannot be undone without loss",
    look=see_configured,
    expect=is_switched,
    act=switch,
    undo=switch_back,
    no_return=why_no_return,
    targets=switching,
    depends_on=versions_made,
    needs=(titles.REPLICAS, titles.SETTINGS, titles.KEEP),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"SWITCH {region_names(states)} FROM {table(run)} TO {restored_table(run)}",
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.start_minutes, every=10),
    shows=show_switch,
    permissions=(
        *iam_actions("appconfig:CreateHostedConfigurationVersion", on=resources.configuration),
        *iam_actions("appconfig:StartDeployment", on=resources.rollout),
        *iam_actions(
            "appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession", on=resources.configuration
        ),
    ),
)

STEPS = (SWITCH,)
