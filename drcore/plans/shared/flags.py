"""Switching feature flags in AppConfig, in every region: at once, or a part of the users after the other.

A change touches the flags that it names, and no other: it is made of what is deployed now. A newer version that nobody
has deployed is left out. What somebody deploys meanwhile is not overwritten: the numbers of the newest version and of
the last deployment are compared by AppConfig, and a version that is made of an older document is not given out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from drcore.engine.consent import Consent
from drcore.engine.context import F, Run
from drcore.engine.outcome import Check, StepName, Target, never, no, unknown, yes
from drcore.engine.permissions import Place, iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Missing, Rejected
from drcore.plans.shared.flag_profiles import FlagProfile, last_and_deployed, place, taken_back
from drcore.plans.shared.flag_values import (
    Flags,
    Value,
    all_but,
    flag_text,
    holds,
    only,
    with_values,
    without_times,
    words,
)
from drcore.record.evidence import Exhibit
from drcore.services import appconfig
from drcore.services.appconfig import EnvironmentDeployment, HostedVersion, Profile

VERSION, DEPLOYMENT = "new version", "deployment"
_LOOKED_THROUGH = 50
"""Deployments, for a version that is what an undo needs; there are as many as the environment is old."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The flags of a plan as consumers that start now get them; what is deployed, what was made newest.

    `named` are those that are to be changed. `ready`: the newest version is what is deployed, with this change.
    `left_out`: newer versions of others, which nobody has deployed. `harm`: what went wrong while it was given out,
    empty where nothing did. `taken_back`: that an alarm has rolled the deployment back, and would do so again.
    """

    consumed: dict[str, dict[str, Value]]
    deployed: int = field(default=0, compare=False)
    newest: int = field(default=0, compare=False)
    ready: bool = field(default=False, compare=False)
    left_out: str = field(default="", compare=False)
    deployment: EnvironmentDeployment = field(default=EnvironmentDeployment(), compare=False)
    harm: str = field(default="", compare=False)
    named: tuple[str, ...] = field(default=(), compare=False)
    taken_back: str = field(default="", compare=False)

    def describe(self) -> Mapping[str, object]:
        shown: dict[str, object] = {flag: words(self.consumed.get(flag, {})) for flag in self.named}
        last = self.deployment
        if last.number:
            shown["last deployment"] = f"{last.number}, version {last.version}, {last.state}, {last.percent:g} %"
        return (
            shown | ({"left out": self.left_out} if self.left_out else {}) | ({"harm": self.harm} if self.harm else {})
        )


def switch_target(region: str, part: str = "", kind: str = DEPLOYMENT) -> Target:
    """The target of a part's version or deployment in a region. A change that has no parts has one without a name."""
    return Target(region, f"{part}, {kind}" if part else kind)


def part_of(target: Target) -> str:
    """The part of a change that a target is about."""
    return target.thing.rpartition(", ")[0]


def flags_arns(at: Place[Any]) -> Iterator[str]:
    """AppConfig's applications with all that is in them: their ids are not among the facts."""
    return at.everywhere("appconfig", "application/*")


def rollout_arns(at: Place[Any]) -> Iterator[str]:
    """The same, with the strategies of deployments."""
    return at.everywhere("appconfig", "application/*", "deploymentstrategy/*")


def change_flags(
    name: StepName,
    *,
    changes: str,
    where: Callable[[Run[F]], FlagProfile],
    of: Callable[[Run[F], str], Iterable[str]],
    wanted: Callable[[Run[F], str], Flags],
    idle: Callable[[Run[F], Target], str],
    phrase: Callable[[Run[F], Mapping[Target, Switched]], str],
    needs: tuple[StepName, ...],
    parts: Callable[[Run[F]], Iterable[str]] = lambda run: (),
    shows: Callable[[Run[F], Mapping[Target, Switched]], Iterable[Exhibit]] | None = None,
    ramp: bool = False,
    harm: Callable[[Run[F], str, str], str] = lambda run, region, part: "",
    within: float | Callable[[Run[F]], float] = 120,
    every: float = 10,
    moment: str = "",
    goes_on: bool = False,
) -> Step[F, Switched]:
    """Give flags other values in each region: by a version of their profile, then by its deployment.

    - `where` they lie; `of` are the plan's flags of a part: whether an undo has brought them back is judged by these.
    - `wanted` are the flags with what they are to have; `idle` says why nothing is to be done, empty where it is.
    - `parts` are switched for themselves, one after the other: each has versions, deployments, outcomes of its own, and
      one that fails keeps no other from being switched. `wanted` and `harm` are asked for each.
    - `phrase` is what is typed.
    - `ramp`: one part of the users after the other, region by region; it cannot be undone by this step. While it is
      given out `harm` says what goes wrong in a region: then that deployment is stopped, and users have what they had.
    """

    def targets(run: Run[F]) -> list[Target]:
        """First a version in each region, then its deployment: no region goes over before every one can."""
        kinds = [(part, kind) for part in [*parts(run)] or [""] for kind in (VERSION, DEPLOYMENT)]
        return [switch_target(region, part, kind) for part, kind in kinds for region in run.service.regions]

    def versions_first(run: Run[F], target: Target) -> list[Target]:
        """What a deployment depends on: a version in every region; of a ramp, that the region before it is over."""
        if not is_deployment(target):
            return []
        all_, part = run.service.regions, part_of(target)
        before = all_[: all_.index(target.region)] if ramp else ()
        return [switch_target(each, part, VERSION) for each in all_] + [switch_target(each, part) for each in before]

    def look(run: Run[F], target: Target) -> Switched:
        flags = wanted(run, part_of(target))
        if not flags and (ramp or not run.rehearsing or not any(of(run, part_of(target)))):
            return Switched({})
        region, at = target.region, place(run, target.region, where(run))
        had = appconfig.consumed(run.aws, region, at)
        last, now = last_and_deployed(run, region, at)
        newest = appconfig.newest(run.aws, region, at)
        ready = newest.number > 0 and without_times(newest.content) == without_times(with_values(now.content, flags))
        ours = ready or newest.number == now.number
        return Switched(
            {flag: dict(had.get(flag, {})) for flag in of(run, part_of(target))},
            now.number,
            newest.number,
            ready,
            "" if ours else f"version {newest.number}, which nobody has deployed",
            last,
            harm(run, region, part_of(target)) if ramp and is_deployment(target) and run.intended(name, target) else "",
            tuple(flags),
            taken_back(run, region, at, last) if is_deployment(target) else "",
        )

    def expect(run: Run[F], target: Target, seen: Switched) -> Check:
        flags, why_not = wanted(run, part_of(target)), idle(run, target)
        if not flags or why_not:
            return yes(why_not or "no flag is to be changed")
        have = flag_text(flags, seen.consumed)
        as_wanted = holds(flags, seen.consumed)
        if not is_deployment(target):
            if seen.ready or as_wanted:
                return yes(f"version {seen.newest} has it" if seen.ready else f"consumers get {have}")
            return no(f"consumers get {have}" + (f"; {seen.left_out} is left out" if seen.left_out else ""))
        if seen.harm:
            return never(seen.harm)
        if seen.taken_back and not as_wanted:
            return never(seen.taken_back)
        if seen.deployment.state == "DEPLOYING":
            return no(f"consumers get {have}; deployment {seen.deployment.number}: {seen.deployment.percent:g} %")
        if not as_wanted:
            return no(f"consumers get {have}")
        if ramp and seen.deployment.state == "BAKING":
            return no(f"consumers get {have}; deployment {seen.deployment.number} has come to all, and bakes")
        if seen.deployment.state == "ROLLING_BACK":
            return no(f"consumers get {have}; deployment {seen.deployment.number} is being rolled back")
        # One that was stopped has given consumers back what they had: the version before it.
        if seen.deployment.state not in ("BAKING", "COMPLETE", "ROLLED_BACK", "REVERTED"):
            last = seen.deployment.state or "none"
            return unknown(f"consumers get {have}, and yet the last deployment is {last}")
        return yes(f"consumers get {have}, by version {seen.deployed}")

    def act(run: Run[F], target: Target, seen: Switched) -> None:
        flags, region, at = wanted(run, part_of(target)), target.region, place(run, target.region, where(run))
        why = _why(run, flags)
        if not is_deployment(target):
            last, now = last_and_deployed(run, region, at)
            after = max(seen.newest, now.number) if _of_this_run(run, region, at, last) else seen.newest
            appconfig.add_version(run.aws, region, at, with_values(now.content, flags), after, why)
            return
        now_seen = look(run, target)  # seen before the version was made
        if not run.rehearsing and (now_seen.deployment.running or holds(flags, now_seen.consumed)):
            return  # started by a try that was not answered, or before a restart: under way, or over by now
        number = now_seen.newest
        if not now_seen.ready:
            if not run.rehearsing:
                raise Rejected(
                    f"version {number} of {at.profile} in {region} is not what is deployed with this change: somebody "
                    "has changed flags meanwhile. Carry out this step again: it begins with what is deployed then",
                    "ConflictException",
                )
            number += 1  # the one that would have been made
        appconfig.deploy(run.aws, region, at, _strategy(run, region), number, why, now_seen.deployment.number)

    def _strategy(run: Run[F], region: str) -> str:
        return appconfig.strategy(run.aws, region, where(run).ramp if ramp else where(run).at_once)

    def supposed(run: Run[F], target: Target, seen: Switched) -> None:
        if wanted(run, part_of(target)):
            act(run, target, seen)
        region, at = target.region, place(run, target.region, where(run))
        why = f"drcore {run.id}: <flags>"
        if not is_deployment(target):
            content = {
                "flags": "<as deployed>",
                "values": {"<flag>": {"enabled": "<on or off>"}, "<others>": "<as deployed>"},
            }
            appconfig.add_version(run.aws, region, at, content, seen.newest, why)
        appconfig.deploy(run.aws, region, at, _strategy(run, region), seen.newest + 1, why, seen.deployment.number)

    def undo(run: Run[F], target: Target, before: Switched) -> None:
        if not is_deployment(target) or not before.deployed:
            return  # a version that is not deployed changes nothing
        region, at, flags = target.region, place(run, target.region, where(run)), wanted(run, part_of(target))
        last, now = last_and_deployed(run, region, at)
        then = appconfig.version(run.aws, region, at, before.deployed)
        had, others = only(then.content, flags), all_but(now.content, flags)
        if only(now.content, flags) == had:
            return  # started by a try that was not answered, or before a restart: under way, or over by now
        back = next(
            (
                each
                for each in chain((then,), earlier_versions(run, region, at))
                if only(each.content, flags) == had and all_but(each.content, flags) == others
            ),
            None,
        )
        if back is None:
            raise Rejected(
                f"other flags of {at.profile} in {region} were changed since: {', '.join(flags)} must be set "
                "back by hand",
                "ConflictException",
            )
        strategy = appconfig.strategy(run.aws, region, where(run).at_once)
        appconfig.deploy(run.aws, region, at, strategy, back.number, f"drcore {run.id}: back", last.number)

    def stop(run: Run[F], target: Target, seen: Switched) -> None:
        if is_deployment(target):
            at = place(run, target.region, where(run))
            last = appconfig.last_deployment(run.aws, target.region, at)
            flags = wanted(run, part_of(target))
            if last.number and appconfig.why_deployed(run.aws, target.region, at, last.number) == _why(run, flags):
                if not last.gone:
                    appconfig.stop_deployment(run.aws, target.region, at, last.number, revert=True)
            elif holds(flags, seen.consumed):
                raise Rejected(
                    f"deployment {last.number} was made since: {', '.join(flags)} must be set back by hand",
                    "ConflictException",
                )

    return Step(
        name,
        changes=changes,
        look=look,
        expect=expect,
        act=act,
        supposed=supposed,
        undo=None if ramp else undo,
        back_out=stop if ramp else None,
        targets=targets,
        depends_on=versions_first,
        needs=needs,
        consent=Consent.TYPED,
        phrase=phrase,
        reversibility=Reversibility.COMPENSABLE if ramp else Reversibility.REVERSIBLE,
        patience=Patience(within=within, every=every),
        shows=shows,
        settles=Settles(moment),
        goes_on=goes_on,
        permissions=(
            *iam_actions("appconfig:CreateHostedConfigurationVersion", on=flags_arns),
            *iam_actions("appconfig:StartDeployment", on=rollout_arns),
            *(iam_actions("appconfig:StopDeployment", on=flags_arns) if ramp else ()),
            *iam_actions("appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession", on=flags_arns),
        ),
    )


def is_deployment(target: Target) -> bool:
    """Whether a target of a change is the deployment, not its version."""
    return target.thing.endswith(DEPLOYMENT)


def _why(run: Run[Any], flags: Flags) -> str:
    """What is given as the reason of a version and of its deployment: by this an act is known again."""
    return f"drcore {run.id}: {', '.join(f'{flag} {words(value)}' for flag, value in flags.items())}"[:1024]


def earlier_versions(run: Run[Any], region: str, at: Profile) -> Iterator[HostedVersion]:
    """The last versions of the profile that were deployed, each once, the newest first."""
    of_profile = (each.version for each in appconfig.deployments(run.aws, region, at) if each.profile == at.profile)
    for number in dict.fromkeys(islice(of_profile, _LOOKED_THROUGH)):
        try:
            version = appconfig.version(run.aws, region, at, int(number))
        except Missing:  # deleted since
            continue
        yield version


def _of_this_run(run: Run[Any], region: str, at: Profile, last: EnvironmentDeployment) -> bool:
    """Whether what is deployed was deployed by this run: another part of the same change, a moment ago."""
    if run.rehearsing or not last.number or last.gone:
        return False
    return appconfig.why_deployed(run.aws, region, at, last.number).startswith(f"drcore {run.id}:")
