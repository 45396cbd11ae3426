"""A card by hand: it holds every act of its plan, a plain shell can carry it out, and it fits on paper.

Whole cards are carried out by `make proof`, as each asks the AWS CLI some forty times.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pypdf
import pytest
from botocore import xform_name

from drcore.engine.step import Plan
from drcore.launcher.paper import print_page
from drcore.launcher.request import fault_of
from drcore.plans.a import titles as titles_a
from drcore.plans.b import titles as titles_b
from drcore.plans.e import titles as titles_e
from drcore.plans.g import titles as titles_g
from drcore.services.dynamodb.policies import VERSION
from drcore.show.by_hand import as_html, as_markdown
from tests.browser.notebook_page import CHROMIUM
from tests.support.by_hand import MISSING, card_of, carried_out, commands
from tests.support.end_states import comparable, differences
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.loopback import on_loopback
from tests.support.stage import PLANS, Scene

WITH_CARD = [plan for plan in PLANS if plan.by_hand]
PAGES = {"e": 4, "g": 4}  # printed pages at most; two for any other
# What drcore alone does: a repair goes item by item; by hand there is the switch.
NOT_BY_HAND = {"g": {titles_g.INVERSE.key, titles_g.REPAIR.key}}
CALLED = {"s3api": "s3", "deploy": "codedeploy"}  # services that the AWS CLI calls by another name
LEVERS = {
    titles_b.WEIGHTS.key,
    titles_b.CONFIGURATION.key,
    titles_b.KEY.key,
    titles_b.GATEWAY.key,
    titles_b.QUOTA.key,
    titles_b.COMPONENT.key,
}

# The levers that are pulled only where DNS does not follow the routing control, and what sets them back.
PULLED = {each.key for each in (titles_a.PULL, titles_a.LEVER_OUT, titles_a.CHECK_OUT, titles_a.CHECK_BACK)}


@dataclass(frozen=True)
class Course:
    """A fault, the acts of the card that are not its course, and after how many seconds a person begins."""

    plan: str
    fault: str
    without: frozenset[str] = frozenset()
    after: int = 0
    incident: Mapping[str, str] = field(default_factory=dict)  # of the drill that the end is compared with


CARRIED_OUT = (
    Course("a", "region-outage", frozenset(PULLED | {titles_a.ROUTING_OUT.key, titles_a.ROUTING_IN.key})),
    Course("a", "region-outage-no-failover", frozenset(PULLED - {titles_a.PULL.key})),
    Course("b", "ai-errors", frozenset(LEVERS - {titles_b.WEIGHTS.key}), 300),
    Course("b", "ai-bad-deployment", frozenset(LEVERS - {titles_b.CONFIGURATION.key}), 300),
    Course("b", "ai-key-expired", frozenset(LEVERS - {titles_b.KEY.key}), 300),
    Course("b", "ai-throttled", frozenset(LEVERS - {titles_b.GATEWAY.key}), 300),
    Course("d", "partner-outage"),
    Course("e", "vulnerability-token-leak"),
    Course("f", "bad-canary-stuck", after=120),
    Course("f", "bad-release"),
    Course("g", "data-corruption", incident={"remedy": "switch", "incident": "by-hand-drill"}),
)
# What stays of a course that is undone: what users were told, the canary of whoever did it, the lever's file in another
# form, what nobody is served any more, a restored table that nobody uses. Workers come back of a good release. What
# CodeDeploy has put back when it was stopped is as it was before the deployment.
STAYS = "|".join(
    (
        *("/statuspage/incidents", "CANARY#drcore", "/region-levers.json/", "/appconfig/.*/(profiles|deployments)/"),
        *("-restored-", "AWSPREVIOUS", "/ecs/clusters/.*/(definition|deployment):"),
        *("/own/codedeploy/", "/AdditionalVersionWeights/"),
    )
)
# From there on a plan is not undone without loss: the way back is from before.
NO_RETURN = {
    "e": frozenset(
        {
            *(titles_e.EPOCH.key, titles_e.ISSUERS.key, titles_e.PROMOTE.key, titles_e.SWEEP.key, titles_e.LABELS.key),
            *(titles_e.COPIES.key, titles_e.REFUSED.key, titles_e.SIGN_IN.key),
        }
    ),
    "g": frozenset(
        {
            *(titles_g.WORKERS_AGAIN.key, titles_g.FUNCTIONS_AGAIN.key, titles_g.SOURCES_AGAIN.key),
            *(titles_g.RULES_AGAIN.key, titles_g.SCALING_AGAIN.key, titles_g.PROVISIONED_AGAIN.key),
            *(titles_g.REDRIVE.key, titles_g.OLD_TABLE_UNREAD.key, titles_g.USERS.key, titles_g.UNFREEZE.key),
        }
    ),
}

each_card = pytest.mark.parametrize("plan", WITH_CARD, ids=[plan.id for plan in WITH_CARD])


@each_card
def test_a_card_should_have_every_act_of_its_plan(plan: Plan[Any]) -> None:
    acts = {step.title for step in plan.steps if step.act and step.key not in NOT_BY_HAND.get(plan.id, set())}
    card = card_of(plan)
    assert acts - {each.title for each in card.acts} == set()
    for each in card.acts:
        act = each.act
        assert act.do or act.look or act.by_hand, each.title
        assert act.shows or not (act.do or act.look), f"{each.title}: nothing says whether it worked"
        assert act.undo or each.back or not act.do, f"{each.title}: nothing says how it is undone"


@each_card
def test_a_card_should_name_nothing_of_an_earlier_run(plan: Plan[Any]) -> None:
    text = as_markdown(card_of(plan))
    text = text.replace(VERSION, "")  # of a policy
    assert re.findall(r"\d{4}-\d\d-\d\d|[0-9a-f]{8}-[0-9a-f]{4}-|drill-|locks/", text) == []


@each_card
def test_both_forms_of_a_card_should_have_the_same_commands(plan: Plan[Any]) -> None:
    card = card_of(plan)
    text = as_markdown(card)
    assert [each.text for each in commands(as_html(card)) if each.text not in text] == []


@each_card
def test_each_command_should_be_one_that_a_shell_and_aws_know(plan: Plan[Any]) -> None:
    every = [each.text for each in commands(as_html(card_of(plan)))]
    read = subprocess.run(["bash", "-n"], input="\n".join(every), text=True, capture_output=True, check=False)
    assert read.stderr == ""
    session = botocore.session.Session()
    joined = "\n".join(every).replace("\\\n", " ")
    for service, operation, rest in re.findall(r"\baws ([\w-]+) ([\w-]+)([^\n|;)]*)", joined):
        model = session.get_service_model(CALLED.get(service, service))
        known = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in known, f"aws {service} {operation}"
        shape = model.operation_model(known[operation]).input_shape
        options = {xform_name(name, "-") for name in (shape.members if shape else ())}
        asked = set(re.findall(r" --([\w-]+)", rest)) - {"region", "query", "output", "cli-input-json", "no-paginate"}
        assert {each.removeprefix("no-") for each in asked} - options == set(), f"aws {service} {operation}"


@each_card
def test_one_of_many_should_be_asked_of_one_page(plan: Plan[Any]) -> None:
    """As text the AWS CLI puts a query to each page: of two pages two would be the first one, or none and the one."""
    text = "\n".join(command.text for command in commands(as_html(card_of(plan)))).replace("\\\n", " ")
    by_name = re.search(r"named\(\) { (.*?); }", text)
    session = botocore.session.Session()
    for service, operation, rest in re.findall(r"\baws ([\w-]+) ([\w-]+)((?:\"[^\"\n]*\"|[^\n|;])*)", text):
        pages = session.get_component("data_loader").load_service_model(CALLED.get(service, service), "paginators-1")
        paged = operation in {xform_name(name, "-") for name in pages["pagination"]}
        if paged and not re.search("--no-paginate|--output json", rest):
            query = rest.replace("$(named", by_name[1] if by_name else "")
            assert not re.search(r"\[\d\]|(max|min)_by|length\(|\"\$\d", query), f"aws {service} {operation}{rest}"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; .ci/run installs one")
@pytest.mark.parametrize(
    "plan", WITH_CARD if EXHAUSTIVE else WITH_CARD[-1:], ids=lambda plan: str(getattr(plan, "id", plan))
)
def test_a_printed_card_should_have_each_command_on_few_pages(plan: Plan[Any], tmp_path: Path) -> None:
    card = card_of(plan)
    page, printed = tmp_path / "card.html", tmp_path / "card.pdf"
    page.write_text(as_html(card))
    print_page(str(CHROMIUM), page, printed)
    pages = pypdf.PdfReader(printed).pages
    assert len(pages) <= PAGES.get(plan.id, 2)
    text = _letters("".join(each.extract_text() for each in pages))
    for each in commands(as_html(card)):
        # A sheet ends somewhere in a long command: each of its lines is looked for.
        assert [line for line in each.text.splitlines() if _letters(line) not in text] == []


def _letters(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.skipif(not EXHAUSTIVE, reason="the AWS CLI takes half a second of work for each command")
@pytest.mark.skipif(bool(MISSING), reason=f"missing here: {', '.join(MISSING)}; `make proof` fetches the AWS CLI")
@pytest.mark.parametrize("course", CARRIED_OUT, ids=[f"{each.plan}-{each.fault}" for each in CARRIED_OUT])
def test_a_card_carried_out_by_a_shell_should_leave_what_a_drill_leaves(course: Course, tmp_path: Path) -> None:
    plan = next(each for each in PLANS if each.id == course.plan)
    name, options = fault_of(plan, course.fault)
    (tmp_path / "drilled").mkdir()
    with on_loopback(tmp_path / "drilled") as runs:
        runs.drill(Scene(plan, course.fault, incident=course.incident))
        drilled = comparable(runs.state())
    with on_loopback(tmp_path) as runs:
        runs.fault(name, **options)
        runs.sleep(course.after)
        broken = comparable(runs.state())
        carried_out(as_html(card_of(plan, runs.address)), runs.address, tmp_path, without=course.without)
        by_hand = comparable(runs.state())
    assert by_hand != broken, "the card has changed nothing"
    assert differences(by_hand, drilled) == []


@pytest.mark.skipif(not EXHAUSTIVE, reason="the AWS CLI takes half a second of work for each command")
@pytest.mark.skipif(bool(MISSING), reason=f"missing here: {', '.join(MISSING)}; `make proof` fetches the AWS CLI")
@pytest.mark.parametrize("course", CARRIED_OUT, ids=[f"{each.plan}-{each.fault}" for each in CARRIED_OUT])
def test_the_undo_lines_of_a_card_should_leave_what_was_there_before(course: Course, tmp_path: Path) -> None:
    """All acts of a course, then each undo, the last act's first."""
    plan = next(each for each in PLANS if each.id == course.plan)
    name, options = fault_of(plan, course.fault)
    with on_loopback(tmp_path) as runs:
        runs.fault(name, **options)
        runs.sleep(course.after)
        broken = comparable(runs.state())
        card = as_html(card_of(plan, runs.address))
        without = course.without | NO_RETURN.get(plan.id, frozenset())
        carried_out(card, runs.address, tmp_path, without=without, then_undone=True)
        undone = comparable(runs.state())
    assert [each for each in differences(undone, broken) if not re.search(STAYS, each)] == []


@pytest.mark.skipif(not EXHAUSTIVE, reason="the AWS CLI takes half a second of work for each command")
@pytest.mark.skipif(bool(MISSING), reason=f"missing here: {', '.join(MISSING)}; `make proof` fetches the AWS CLI")
def test_what_a_shell_does_of_plan_c_should_come_to_its_end(tmp_path: Path) -> None:
    """The rest is done in the consoles of the stores, which no test carries out."""
    with on_loopback(tmp_path) as runs:
        runs.fault("mobile-crash")
        plan = next(each for each in PLANS if each.id == "c")
        told = carried_out(as_html(card_of(plan, runs.address)), runs.address, tmp_path)
        (incident,) = runs.state()["own"]["statuspage"]["incidents"]
    assert "4.11.0 -> 4.11.1 from hotfix" in told and "SUCCEEDED" in told.splitlines()
    assert incident["status"] == "resolved"
    assert "4.11.0 of the app is fixed in version 4.11.1" in incident["incident_updates"][0]["body"]
