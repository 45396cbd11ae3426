"""Where feature flags lie in AppConfig, what of them is deployed, what must be so before a run switches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Self
from weakref import WeakKeyDictionary

from drcore.engine.context import Run
from drcore.engine.outcome import Check, no, yes
from drcore.engine.preflight import checked
from drcore.errors import Rejected
from drcore.parameters import Model
from drcore.plans.shared.facts import FlagPlace, Name
from drcore.plans.shared.flag_values import Flags, without_times
from drcore.services import appconfig
from drcore.services.appconfig import EnvironmentDeployment, HostedVersion, Profile


class FlagProfile(Model):
    """Where the flags lie; by which strategies they are deployed: to all at once, to a part after the other."""

    application: Name
    environment: Name
    profile: Name
    at_once: Name
    ramp: Name

    @classmethod
    def of_one(cls, at: FlagPlace, application: str, strategy: str) -> Self:
        """That of a flag which has its own, and is deployed by one strategy alone."""
        profile, environment = at.profile, at.environment
        return cls(application=application, environment=environment, profile=profile, at_once=strategy, ramp=strategy)


# The ids behind the names, by region and profile: they do not change, and are three calls each time.
_profiles: WeakKeyDictionary[Run[Any], dict[tuple[str, str, str, str], Profile]] = WeakKeyDictionary()


def place(run: Run[Any], region: str, where: FlagProfile) -> Profile:
    """The profile of the flags in a region. Raises Rejected where it is not there; Unknown."""
    named, known = (where.application, where.environment, where.profile), _profiles.setdefault(run, {})
    if (region, *named) not in known:
        known[region, *named] = appconfig.profile(run.aws, region, *named)
    return known[region, *named]


def flags_in_place(
    run: Run[Any], where: FlagProfile, wanted: Sequence[str], *, ramp: bool = False, stops: bool = True
) -> Iterator[tuple[str, Check, bool]]:
    """Preflight, for each region: the flags are deployed; the strategies, whose times stop nobody, are as fast as said.

    `ramp`: whether the plan gives flags out to a part of the users after the other, too; `stops`: whether a run
    without its flags is refused.
    """
    for region in run.service.regions:
        yield f"flags in {region}", checked(all_deployed, run, region, where, wanted), stops
        yield f"strategy {where.at_once} in {region}", checked(_is_at_once, run, region, where.at_once), False
        if ramp:
            yield f"strategy {where.ramp} in {region}", checked(_is_a_ramp, run, region, where.ramp), False


def all_deployed(run: Run[Any], region: str, where: FlagProfile, wanted: Sequence[str]) -> Check:
    """Whether flags are deployed in a region, and which are not. Raises Rejected where nothing is; Unknown."""
    at = place(run, region, where)
    had = last_and_deployed(run, region, at)[1].content.get("flags", {})
    lacks = [flag for flag in wanted if flag not in had]
    return no(f"no flag {', '.join(lacks)} in {where.profile}") if lacks else yes(f"{len(wanted)} flags")


def _is_at_once(run: Run[Any], region: str, name: str) -> Check:
    given = appconfig.strategy_times(run.aws, region, name)
    if given.minutes or given.bake:
        text = f"{given.minutes:g} min until all have a flag, then bakes for {given.bake:g} min"
        return no(f"{text}: flags are switched late, and nothing else can be deployed meanwhile")
    return yes("at once")


def _is_a_ramp(run: Run[Any], region: str, name: str) -> Check:
    given = appconfig.strategy_times(run.aws, region, name)
    if not given.minutes:
        return no("gives flags to all users at once, not to a part after the other")
    least = run.metrics.delay_s / 60 + 1
    text = f"{given.minutes:g} min until all have a flag, then bakes for {given.bake:g} min"
    if given.bake < least:
        return no(f"{text}: the last part is measured {least:g} min later, when nothing is backed out any more")
    return yes(text)


def deployed_values(run: Run[Any], region: str, where: FlagProfile) -> Flags:
    """The flags' values as they are deployed in a region, with those of flags that are off. Raises as above."""
    at = place(run, region, where)
    values: Flags = without_times(last_and_deployed(run, region, at)[1].content).get("values", {})
    return values


def taken_back(run: Run[Any], region: str, at: Profile, last: EnvironmentDeployment) -> str:
    """That an alarm has rolled the last deployment back, and would do so again; empty where that is not so.

    Raises Rejected, Unknown.
    """
    watched = appconfig.monitors(run.aws, region, at) if last.gone else ()
    if not watched or appconfig.rolled_back_by(run.aws, region, at, last.number) != "CLOUDWATCH_ALARM":
        return ""
    names = ", ".join(each.rpartition(":")[2] for each in watched)
    return (
        f"deployment {last.number} of {at.environment} in {region} was rolled back by an alarm that monitors it, and "
        f"would be again: take {names} off the environment's monitors, then go on: drcore resume {run.id}"
    )


def last_and_deployed(run: Run[Any], region: str, at: Profile) -> tuple[EnvironmentDeployment, HostedVersion]:
    """The environment's last deployment; the version of the profile that consumers have, or get by what is given out.

    In a rehearsal not what is given out now: that is somebody else's, and would have been stopped by then. Raises
    Rejected where nothing was deployed.
    """
    newest_first = appconfig.deployments(run.aws, region, at)
    last = next(newest_first, EnvironmentDeployment())
    known = (each for each in chain((last,), newest_first) if not (run.rehearsing and each.running))
    live = next((each for each in known if each.profile == at.profile and not each.gone), None)
    if live is None or not live.version.isdecimal():
        raise Rejected(f"nothing of {at.profile} is deployed in {region}", "ResourceNotFoundException")
    return last, appconfig.version(run.aws, region, at, int(live.version))
