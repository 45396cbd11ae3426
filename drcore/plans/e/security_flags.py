"""A feature flag in every region, set by two acts each: a version of its profile, the deployment of that.

Both regions go over within seconds, as none is deployed before each has the version. The flag's version is made from
what is deployed: what somebody has added and nobody has deployed is not let in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, StepName, Target, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import region_names
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Rejected
from drcore.plans.e.facts import ERun, FlagPlace
from drcore.plans.shared.flags import (
    DEPLOYMENT,
    VERSION,
    Value,
    flags_arns,
    rollout_arns,
    switches,
    versions_first,
    with_values,
)
from drcore.services import appconfig
from drcore.services.appconfig import EnvironmentDeployment, Profile

# The ids behind the names, by region and profile: they do not change, and are three calls each time.
_profiles: WeakKeyDictionary[ERun, dict[tuple[str, str], Profile]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class FlagSetting:
    """A flag as it is deployed in a region: on or off, its attribute; the newest version, deployed or not."""

    on: bool
    value: str
    version: str = field(compare=False)
    newest: int = field(compare=False)
    newest_on: bool = field(compare=False)
    newest_value: str = field(compare=False)
    deployment: EnvironmentDeployment = field(compare=False)

    def describe(self) -> Mapping[str, object]:
        return {"flag": f"on, {self.value}" if self.on else "off", "by version": self.version}


@dataclass(frozen=True, slots=True)
class FlagWanted:
    """What a flag is to be: on with a value of its attribute, or off."""

    on: bool
    value: str = ""

    def met(self, on: bool, value: str) -> bool:
        """Whether it is so. Attributes of a flag that is off say nothing."""
        return on == self.on and (not on or value == self.value)

    def __str__(self) -> str:
        return f"on, {self.value}" if self.on else "off"


def set_flag(
    name: StepName,
    *,
    changes: str,
    where: Callable[[ERun], FlagPlace],
    attribute: str,
    wanted: Callable[[ERun], FlagWanted],
    idle: Callable[[ERun, Target], str],
    phrase: Callable[[ERun], str],
    needs: tuple[StepName, ...],
    consent: Consent = Consent.TYPED,
    moment: str = "",
) -> Step[Any, FlagSetting]:
    """Set a flag in every region. `idle` says in words why nothing is to be set, empty where something is."""

    def profile(run: ERun, region: str) -> Profile:
        at, known = where(run), _profiles.setdefault(run, {})
        if (region, at.profile) not in known:
            application = run.facts.flags.application
            known[region, at.profile] = appconfig.profile(run.aws, region, application, at.environment, at.profile)
        return known[region, at.profile]

    def look(run: ERun, target: Target) -> FlagSetting:
        at, flag = profile(run, target.region), where(run).flag
        last = appconfig.last_deployment(run.aws, target.region, at)
        newest = appconfig.newest(run.aws, target.region, at)
        deployed = newest
        if last.version != str(newest.number):
            deployed = appconfig.version(run.aws, target.region, at, int(last.version or 0))
        now, then = (_of(each.content, flag) for each in (deployed, newest))
        told = (bool(now.get("enabled")), str(now.get(attribute, "")), last.version, newest.number)
        return FlagSetting(*told, bool(then.get("enabled")), str(then.get(attribute, "")), last)

    def expect(run: ERun, target: Target, seen: FlagSetting) -> Check:
        why = idle(run, target)
        if why:
            return yes(why)
        want = wanted(run)
        is_so = want.met(seen.on, seen.value)
        if target.thing == VERSION:
            made = is_so or want.met(seen.newest_on, seen.newest_value)
            return (
                yes(f"version {seen.newest} has it {want}") if made else no(f"version {seen.newest} has it otherwise")
            )
        if seen.deployment.running:
            return no(f"deployment {seen.deployment.number} is {seen.deployment.state}")
        if seen.deployment.state != "COMPLETE":
            return unknown(f"the last deployment is {seen.deployment.state or 'none'}: what is served cannot be told")
        if not is_so:
            return no(f"it is {FlagWanted(seen.on, seen.value)}, to be {want}")
        return yes(f"it is {want}, by version {seen.version}")

    def act(run: ERun, target: Target, seen: FlagSetting) -> None:
        at, flag, want = profile(run, target.region), where(run).flag, wanted(run)
        why = f"drcore {run.id}: {flag} {want}"
        if target.thing == VERSION:
            content = appconfig.version(run.aws, target.region, at, int(seen.version)).content
            value: dict[str, Value] = {"enabled": want.on, **({attribute: want.value} if want.on else {})}
            appconfig.add_version(run.aws, target.region, at, with_values(content, {flag: value}), seen.newest, why)
            return
        now = look(run, target)  # seen before the version was made
        if now.deployment.running or want.met(now.on, now.value):
            return  # started by a try that was not answered, or before a restart: under way, or over by now
        number = now.newest
        if not want.met(now.newest_on, now.newest_value):
            if not run.rehearsing:
                why_not = f"version {number} of {at.profile} in {target.region} is somebody else's"
                raise Rejected(why_not, "ConflictException")
            number += 1  # the one that would have been made
        _deploy(run, target, at, number, why, now.deployment.number)

    def undo(run: ERun, target: Target, before: FlagSetting) -> None:
        if target.thing != DEPLOYMENT:
            return  # a version that is not deployed changes nothing
        at = profile(run, target.region)
        last = appconfig.last_deployment(run.aws, target.region, at)
        if last.version == before.version and (last.running or last.state == "COMPLETE"):
            return
        _deploy(run, target, at, int(before.version), f"drcore {run.id}: back", last.number)

    return Step(
        name,
        changes=changes,
        look=look,
        expect=expect,
        act=act,
        undo=undo,
        targets=switches,
        depends_on=versions_first,
        needs=needs,
        consent=consent,
        phrase=lambda run, states: f"{phrase(run)} IN {region_names(states)}",
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=120, every=5),
        settles=Settles(moment),
        permissions=(
            *iam_actions("appconfig:CreateHostedConfigurationVersion", on=flags_arns),
            *iam_actions("appconfig:StartDeployment", on=rollout_arns),
        ),
    )


def _deploy(run: ERun, target: Target, at: Profile, number: int, why: str, after: int) -> None:
    strategy = appconfig.strategy(run.aws, target.region, run.facts.flags.strategy)
    appconfig.deploy(run.aws, target.region, at, strategy, number, why, after)


def _of(content: Mapping[str, Any], flag: str) -> Mapping[str, Any]:
    """A flag's value in a profile's document; an empty one where it has none, which is off."""
    values = content.get("values")
    found = values.get(flag) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}
