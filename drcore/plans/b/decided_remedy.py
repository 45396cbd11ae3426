"""What plan B does about the failure: decided once, the same for every act in every region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from drcore.engine.consent import Choice
from drcore.engine.outcome import Check, not_needed, not_this_way
from drcore.errors import Rejected, Unknown
from drcore.plans.b import causes, health, titles
from drcore.plans.b.causes import AiCause, Investigation
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.services import servicequotas

_OF_THE_ENDPOINT = (AiRemedy.WEIGHTS, AiRemedy.CONFIGURATION)
OF_THE_COMPONENT = (AiRemedy.COMPONENT, AiRemedy.COPIES)
_UNDONE = {
    AiRemedy.WEIGHTS: "the weights from before, in two minutes",
    AiRemedy.CONFIGURATION: "the configuration from before, as a new update",
    AiRemedy.COMPONENT: "the model from before, as a new update",
    AiRemedy.COPIES: "the number of copies from before",
    AiRemedy.KEY: "the label moves back",
    AiRemedy.GATEWAY: "the order from before",
    AiRemedy.QUOTA: "a request cannot be taken back; a higher quota harms nobody",
    AiRemedy.WAIT: "nothing is done",
}


@dataclass(frozen=True, slots=True)
class Way:
    """A remedy with what it needs: the configuration or the model by region, the copies, the order, the quota, the key.

    `percent` are the fallbacks that it would end; `recommended` and `barred` as of a choice. Without a remedy there is
    nothing to be done.
    """

    remedy: AiRemedy = AiRemedy.PROPOSED
    percent: float = 0
    recommended: str = ""
    barred: str = ""
    configurations: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    copies: int = 0
    order: tuple[str, ...] = ()
    quota: str = ""
    key_version: str = ""

    @property
    def words(self) -> str:
        """What is done, in words."""
        return {
            AiRemedy.WEIGHTS: "shift the endpoint to its old variant",
            AiRemedy.CONFIGURATION: f"go over to {_each(self.configurations)}",
            AiRemedy.COMPONENT: f"let the inference component go over to {_each(self.models, 'model')}",
            AiRemedy.COPIES: f"run {self.copies} copies of the inference component",
            AiRemedy.KEY: f"make version {self.key_version or 'none'} of the key of the LLM the current one",
            AiRemedy.GATEWAY: f"let the gateway try {', '.join(self.order)}",
            AiRemedy.QUOTA: f"ask AWS for {self.quota or 'more quota'}",
            AiRemedy.WAIT: "wait",
            AiRemedy.PROPOSED: "nothing",
        }[self.remedy]

    def as_choice(self, run: BRun) -> Choice:
        """As an answer of the question."""
        where = ", ".join(run.service.regions)
        return Choice(
            self.remedy,
            f"{self.words[0].upper()}{self.words[1:]} IN {where}",
            {
                "what is done": self.words,
                "of the fallbacks that it would end, %": self.percent,
                "how it is undone": _UNDONE[self.remedy],
            },
            self.recommended,
            self.barred,
        )


_WAYS = TypeAdapter(tuple[Way, ...])


def decided(run: BRun) -> Way:
    """The remedy that was decided, with all that it needs as it was then; before that the one that is recommended.

    Raises Unknown, Rejected.
    """
    act = run.history.act(titles.DECIDE)
    if act:
        answer = run.decided(titles.DECIDE).choice or run.history.answer(titles.DECIDE)
        known = _WAYS.validate_python(act.first["before"]["ways"])
        return next((way for way in known if way.remedy == answer), Way())
    looked = run.result(titles.DECIDE)
    recorded: list[tuple[Way, ...]] = [state.ways for state in looked.states.values()] if looked else []
    offered = recorded[0] if recorded else ways(run)
    return next((way for way in offered if way.recommended), Way())


def not_decided(run: BRun, remedy: AiRemedy) -> Check | None:
    """Why a lever is left alone; None where it is the one that was decided."""
    way = decided(run)
    if way.remedy is remedy:
        return None
    return not_this_way(f"not the remedy: {way.words}") if way.remedy else not_needed("there is nothing to remedy")


def ways(run: BRun) -> tuple[Way, ...]:
    """Each remedy: which fallbacks it would end, why it is the one to take, or cannot be taken.

    None where no trouble was seen. Raises Unknown, Rejected.
    """
    if "detected" not in run.moments:
        return ()
    by_region = investigations(run)
    ranked = ranked_causes(by_region)
    named = run.incident.remedy or _of_what_is_named(run)
    best = named or (ranked[0].remedy if ranked else AiRemedy.WAIT)
    why = "named in the parameters" if named else ranked[0].describe() if ranked else "no cause is known"
    levers = [_lever(run, remedy, by_region, ranked, named) for remedy in AiRemedy if remedy not in _NO_LEVER]
    at_hand = best is not AiRemedy.WAIT and any(not lever.barred for lever in levers)
    wait = Way(AiRemedy.WAIT, barred="a remedy is at hand; name it in the parameters to wait" if at_hand else "")
    return tuple(
        replace(way, recommended=why) if way.remedy is best and not way.barred else way for way in (*levers, wait)
    )


def _of_what_is_named(run: BRun) -> AiRemedy:
    if run.incident.model:
        return AiRemedy.COMPONENT
    return AiRemedy.CONFIGURATION if run.incident.configuration else AiRemedy.PROPOSED


_NO_LEVER = (AiRemedy.PROPOSED, AiRemedy.WAIT)


def ranked_causes(by_region: Mapping[str, Investigation]) -> tuple[AiCause, ...]:
    """The causes of all regions, first the one that explains most."""
    known = (cause for each in by_region.values() for cause in each.causes)
    return tuple(sorted(known, key=lambda cause: (-cause.percent, cause.what)))


def investigations(run: BRun) -> Mapping[str, Investigation]:
    """What was found in each region that could be looked at. Raises Unknown where none could, Rejected."""
    looked = run.result(titles.INVESTIGATE)
    if looked and looked.states:
        return {target.region: seen for target, seen in looked.states.items()}
    by_region: dict[str, Investigation] = {}
    trouble: Unknown | Rejected | None = None
    for region in run.service.regions:
        try:
            by_region[region] = causes.investigate(run, region, health.harm_since(run, region))
        except (Unknown, Rejected) as error:
            trouble = error
    if trouble and not by_region:
        raise trouble
    return by_region


def _lever(
    run: BRun,
    remedy: AiRemedy,
    by_region: Mapping[str, Investigation],
    ranked: Iterable[AiCause],
    named: AiRemedy,
) -> Way:
    ends = _OF_THE_ENDPOINT if remedy in _OF_THE_ENDPOINT else (remedy,)
    points = [cause.percent for cause in ranked if cause.remedy in ends or cause.other in ends]
    percent = max(points, default=0.0)
    way, cannot = Way(remedy, percent), ""
    if remedy is AiRemedy.WEIGHTS:
        live = all(each.old_is_live for each in by_region.values())
        cannot = "" if live else "the old variant is not kept up in every region, or serves already"
    elif remedy is AiRemedy.CONFIGURATION:
        wanted = run.incident.configuration
        to = {region: wanted or next(iter(seen.earlier), "") for region, seen in by_region.items()}
        way = replace(way, configurations=to)
        cannot = "" if all(to.values()) else "there is no older configuration: name one (-p configuration=NAME)"
        if any(seen.component for seen in by_region.values()):
            cannot = "the models are inference components, which an endpoint configuration leaves as they are"
    elif remedy in OF_THE_COMPONENT:
        way, cannot = _component_lever(run, way, by_region)
    elif remedy is AiRemedy.KEY:
        way = replace(way, key_version=next((seen.new_key for seen in by_region.values() if seen.new_key), ""))
        cannot = "" if way.key_version else "no new version of the key waits with the label AWSPENDING"
    elif remedy is AiRemedy.GATEWAY:
        way = replace(way, order=run.facts.llm.fallback_order)
        there = any(each.order and each.order != way.order for each in by_region.values())
        cannot = "" if there else "the gateway tries its models in that order already, or does not tell"
    elif remedy is AiRemedy.QUOTA:
        wanted_quota = run.facts.llm.quota
        way = replace(way, quota=f"{wanted_quota.wanted:g} of {wanted_quota.code}")
        cannot = _no_quota(run) if percent or remedy is named else ""
    unfounded = "no cause points at it; name it in the parameters to take it all the same"
    return replace(way, barred=cannot or ("" if percent or remedy is named else unfounded))


def _component_lever(run: BRun, way: Way, by_region: Mapping[str, Investigation]) -> tuple[Way, str]:
    """The remedy with its model or its copies; why it cannot be taken, in words, empty where it can."""
    if not all(seen.component for seen in by_region.values()):
        return way, "the endpoint has no inference component: its models are those of its configuration"
    if way.remedy is AiRemedy.COPIES:
        return replace(way, copies=run.facts.endpoint.component.copies), ""
    to = {region: run.incident.model or next(iter(seen.earlier_models), "") for region, seen in by_region.items()}
    return replace(way, models=to), "" if all(to.values()) else "there is no older model: name one (-p model=NAME)"


def _no_quota(run: BRun) -> str:
    """Why more quota cannot be asked for, in words; empty where it can."""
    wanted = run.facts.llm.quota
    try:
        now = servicequotas.quota(run.aws, wanted.region, wanted.service, wanted.code)
    except (Unknown, Rejected) as error:
        return f"the quota cannot be read: {error}"
    if now.value >= wanted.wanted:
        return f"{now.value:g} are granted already"
    refused = now.asked >= wanted.wanted and now.status in servicequotas.REFUSED
    return f"AWS says {now.status} to {now.asked:g}" if refused else ""


def _each(by_region: Mapping[str, str], what: str = "configuration") -> str:
    names = set(by_region.values())
    if len(names) <= 1:
        return next(iter(names), "") or f"no {what}"
    return ", ".join(f"{name or 'none'} in {region}" for region, name in by_region.items())
