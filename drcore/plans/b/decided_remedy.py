"""What plan B does about the failure: decided once, the same for every act in every region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from drcore.errors import Rejected, Unknown
from drcore.plans.b import causes, health, titles
from drcore.plans.b.causes import Investigation
from drcore.plans.b.facts import AiRemedy, BRun


@dataclass(frozen=True, slots=True)
class Way:
    """A remedy with what it needs: the configuration by region, the order of the gateway, the versions of the key.

    Without a remedy there is nothing to be done.
    """

    remedy: AiRemedy = AiRemedy.PROPOSED
    cause: str = ""
    configurations: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    key_version: str = ""

    @property
    def words(self) -> str:
        """What is done, in words."""
        return {
            AiRemedy.WEIGHTS: "shift all traffic of the endpoint to the old variant",
            AiRemedy.CONFIGURATION: f"go over to {_each(self.configurations)}",
            AiRemedy.KEY: f"make version {self.key_version} of the key of the LLM the current one",
            AiRemedy.GATEWAY: f"let the gateway try {', '.join(self.order)}",
            AiRemedy.WAIT: "wait: no remedy of this plan fits",
            AiRemedy.PROPOSED: "nothing",
        }[self.remedy]


_WAY = TypeAdapter(Way)


def decided(run: BRun) -> Way:
    """The remedy that was decided, with all that it needs as it was then; before that the one that is proposed.

    Raises Unknown, Rejected.
    """
    act = run.history.act(titles.DECIDE)
    if act:
        return _WAY.validate_python(act.first["before"]["way"])
    looked = run.result(titles.DECIDE)
    known: list[Way] = [seen.way for seen in looked.states.values()] if looked else []
    return known[0] if known else proposed(run)


def proposed(run: BRun) -> Way:
    """The remedy that was named, else that of the cause that explains most; none where no trouble was seen.

    Raises Unknown, Rejected.
    """
    if "detected" not in run.moments:
        return Way()
    found = investigations(run)
    ranked = sorted(
        (cause for each in found.values() for cause in each.causes), key=lambda cause: (-cause.percent, cause.what)
    )
    named = run.incident.remedy
    if run.incident.configuration and not named:
        named = AiRemedy.CONFIGURATION
    remedy = named or (ranked[0].remedy if ranked else AiRemedy.WAIT)
    cause = ranked[0].describe() if ranked else "no cause was found"
    return _way(run, remedy, cause, found)


def investigations(run: BRun) -> Mapping[str, Investigation]:
    """What was found in each region that could be looked at. Raises Unknown where none could, Rejected."""
    looked = run.result(titles.INVESTIGATE)
    if looked and looked.states:
        return {target.region: seen for target, seen in looked.states.items()}
    found: dict[str, Investigation] = {}
    trouble: Unknown | Rejected | None = None
    for region in run.service.regions:
        try:
            found[region] = causes.investigate(run, region, health.harm_since(run, region))
        except (Unknown, Rejected) as error:
            trouble = error
    if trouble and not found:
        raise trouble
    return found


def _way(run: BRun, remedy: AiRemedy, cause: str, found: Mapping[str, Investigation]) -> Way:
    match remedy:
        case AiRemedy.CONFIGURATION:
            named = run.incident.configuration
            to = {region: named or next(iter(seen.earlier), "") for region, seen in found.items()}
            return Way(remedy=remedy, cause=cause, configurations=to)
        case AiRemedy.GATEWAY:
            return Way(remedy=remedy, cause=cause, order=run.facts.llm.fallback_order)
        case AiRemedy.KEY:
            new = next((seen.new_key for seen in found.values() if seen.new_key), "")
            return Way(remedy=remedy, cause=cause, key_version=new)
    return Way(remedy=remedy, cause=cause)


def _each(by_region: Mapping[str, str]) -> str:
    names = set(by_region.values())
    if len(names) == 1:
        return next(iter(names)) or "no configuration: there is none that is older"
    return ", ".join(f"{name or 'none'} in {region}" for region, name in by_region.items())
