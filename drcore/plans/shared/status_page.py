"""Telling users: the public status page.

Steps that every plan has in the same form; a plan gives the words. Each message is looked for before it is sent, so
that nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drcore.engine.consent import Consent
from drcore.engine.context import F, Run
from drcore.engine.outcome import Check, StepName, Target, no, yes
from drcore.engine.permissions import OF_THE_STATUS_PAGE
from drcore.engine.step import Patience, Reversibility, Step
from drcore.services import statuspage
from drcore.services.statuspage import PublicIncident

Words = Callable[[Run[F]], str]


def investigating(
    name: StepName,
    words: Words[F],
    *,
    needs: tuple[StepName, ...],
    headline: str = "Some requests are failing",
    components: str = "degraded_performance",
) -> Step[F, PublicIncident]:
    """Open this run's incident on the status page. `words` is empty when there is nothing to tell.

    `headline` is the incident's name there, `components` how the service's do meanwhile, in the page's own words.
    """

    def expect(run: Run[F], target: Target, incident: PublicIncident) -> Check:
        if incident.id:
            return yes(f"incident {incident.id} is {incident.status}")
        return no(f"to be posted: {words(run)}") if words(run) else yes("there is nothing to tell")

    def act(run: Run[F], target: Target, incident: PublicIncident) -> None:
        affected = dict.fromkeys(run.service.status_page.components, components)
        statuspage.open_incident(run.http, _page(run), run.id, headline, words(run), affected)

    return _post(name, words, f"the status page says: {headline}", expect, act, needs=needs)


def update(
    name: StepName, words: Words[F], *, needs: tuple[StepName, ...], components: str = "operational"
) -> Step[F, PublicIncident]:
    """Say on the status page what is verified by now. `words` says nothing that is not.

    `components`: how the service's do by now, in the page's own words.
    """

    def expect(run: Run[F], target: Target, incident: PublicIncident) -> Check:
        if not incident.id:
            return yes("this run has posted nothing that could be updated")
        if incident.status in ("monitoring", "resolved"):
            return yes(f"incident {incident.id} is {incident.status}")
        return no(f"to be posted: {words(run)}")

    def act(run: Run[F], target: Target, incident: PublicIncident) -> None:
        affected = dict.fromkeys(run.service.status_page.components, components)
        statuspage.update(run.http, _page(run), incident.id, "monitoring", words(run), affected)

    return _post(name, words, "the status page says what is verified by now", expect, act, needs=needs)


def resolved(
    name: StepName,
    words: Words[F],
    *,
    needs: tuple[StepName, ...],
    not_yet: Callable[[Run[F]], str] = lambda run: "",
) -> Step[F, PublicIncident]:
    """Resolve this run's incident, and set the components right again.

    `not_yet` says why it is not over, empty where it is: until then `words` are told as an update of it.
    """

    def expect(run: Run[F], target: Target, incident: PublicIncident) -> Check:
        if not incident.id:
            return yes("this run has posted nothing that could be resolved")
        if incident.status == "resolved":
            return yes(f"incident {incident.id} is resolved")
        why_not = not_yet(run)
        if why_not and incident.status == "monitoring":
            return yes(f"incident {incident.id} is {incident.status}: {why_not}")
        return no(f"it is {incident.status}" + (f", to be told: {why_not}" if why_not else ""))

    def act(run: Run[F], target: Target, incident: PublicIncident) -> None:
        components = run.service.status_page.components
        if not_yet(run):
            affected = dict.fromkeys(components, "degraded_performance")
            statuspage.update(run.http, _page(run), incident.id, "monitoring", words(run), affected)
        else:
            statuspage.resolve(run.http, _page(run), incident.id, words(run), components)

    changes = "the status page says what happened and that it is over"
    return _post(name, words, changes, expect, act, needs=needs)


def _post(
    name: StepName,
    words: Words[F],
    changes: str,
    expect: Callable[[Run[F], Target, PublicIncident], Check],
    act: Callable[[Run[F], Target, PublicIncident], None],
    *,
    needs: tuple[StepName, ...],
) -> Step[F, PublicIncident]:
    """One message about this run's incident, which a person reads before it goes out."""

    def look(run: Run[F], target: Target) -> PublicIncident:
        return statuspage.incident_of(run.http, _page(run), run.id)

    return Step(
        name,
        only_tells=True,
        words=words,
        changes=changes,
        look=look,
        expect=expect,
        act=act,
        needs=needs,
        consent=Consent.GO,
        phrase=lambda run, states: f"POST TO {run.service.status_page.page}: {words(run)}",
        reversibility=Reversibility.COMPENSABLE,
        patience=Patience(within=30, every=5),
        permissions=OF_THE_STATUS_PAGE,
    )


def _page(run: Run[Any]) -> statuspage.Page:
    page = run.service.status_page
    return statuspage.Page(page.url, page.page, run.secret(page.api_key))
