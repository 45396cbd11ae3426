"""Plan G as a whole: by repair and by switch, as a rehearsal; on a world in this process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from drcore.clock import parse_time
from drcore.engine.outcome import Answer, Outcome
from drcore.engine.step import Step
from drcore.engine.verdict import Word
from drcore.errors import Unknown
from drcore.parameters import Mode
from drcore.plans import g
from drcore.plans.g import partner_cursors
from drcore.plans.g.decisions import recovery_point
from drcore.plans.g.tables import restored_table
from drcore.run.runbook import Runbook
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.company.names import TABLE
from tests.support.data_corruption import PLAN, REGIONS, WEST, made_twice, policy, prepared, release, truth, writers
from tests.support.stage import Stage, carry_out, client, ended, lines, outcomes, proven, writes

PROVISIONED = {"syncwell-api": {"live": 10}, "syncwell-worker": {}, "syncwell-webhook": {}}


def cut_and_finished(
    stage: Stage, remedy: str, cuts: tuple[Step[Any, Any], ...], options: dict[str, str] | None = None
) -> Runbook:
    """A drill that loses its process after some steps, and is opened again each time."""
    run = stage.open(prepared(stage, options, remedy=remedy))
    for cut in cuts:
        assert carry_out(run, until=cut) is None
        run.record.close()
        run = stage.again(run)
    assert carry_out(run) is None
    return run


def writes_around(stage: Stage, moment: datetime) -> tuple[int, int]:
    """How many items were written in the last minute before a moment, and in the first one after it."""
    log = stage.door.world.state(Tables)[WEST, TABLE].log
    minute = timedelta(minutes=1)
    return sum(moment - minute <= each.at < moment for each in log), sum(
        moment <= each.at < moment + minute for each in log
    )


def no_old_job_ran(stage: Stage, run: Runbook) -> bool:
    """Whether all jobs that have waited and ran since the switch are younger than the recovery point; some ran."""
    run.run.clock.sleep(3600)
    switches = [line["time"] for line in lines(run, "intent") if line["key"] == g.SWITCH.key]
    point, switched = recovery_point(run.run), parse_time(switches[-1])
    late = [parse_time(made) for _, made, done in truth(stage)["late_jobs"] if parse_time(done) > switched]
    return bool(late) and min(late) >= point and dead_jobs(run) == 6


def dead_jobs(run: Runbook) -> int:
    """How many lie in the dead-letter queues."""
    asked = {region: client(run, "sqs", region) for region in REGIONS}
    urls = {
        region: queues.get_queue_url(QueueName="syncwell-jobs-dead")["QueueUrl"] for region, queues in asked.items()
    }
    found = (asked[at].get_queue_attributes(QueueUrl=url, AttributeNames=["All"]) for at, url in urls.items())
    return sum(int(each["Attributes"]["ApproximateNumberOfMessages"]) for each in found)


def test_repaired_in_place_the_service_should_come_back_as_it_was_with_no_change_lost(stage: Stage) -> None:
    run = cut_and_finished(stage, "repair", (g.NOTHING_WRITES, g.REPAIR, g.WORKERS_AGAIN), {"quiet": "31"})
    (first, *_) = [line["before"]["next_since"] for line in lines(run, "intent") if line["step"] == g.EXPORT.title]
    before, after = writes_around(stage, parse_time(first))
    assert before and after, "users change things where the span of the export begins"
    assert ended(run).word == Word.REACHED, ended(run).why
    found = truth(stage)
    assert set(found["corrupted"]) <= set(found["conflicts"]), "but for what is left to a person, nothing is corrupted"
    assert found["legit_edits"]["lost"] == []
    for region in REGIONS:
        assert writers(run, region) == {
            "desired": 4,
            "bounds": (2, 12),
            "suspended": False,
            "rules": dict.fromkeys(run.run.facts.rules, "ENABLED"),
            "sources": ["Enabled"],
            "functions": dict.fromkeys(run.run.facts.functions),
            "provisioned": PROVISIONED,
        }
        assert release(run, region) == "2026.01.1", "never the faulty one"
        assert policy(run, region) == ""
    assert made_twice(stage) == []
    assert dead_jobs(run) == 0, "those that failed as writes were denied ran"
    assert run.results[g.OLD_TABLE_UNREAD.key].outcome is Outcome.ALREADY, "there is no old table"
    told = [line["parameters"]["json"]["incident"] for line in writes(run) if line["call"] == "http:PATCH"]
    assert "All other changes were kept" in told[-1]["body"]
    assert "jobs_not_before" not in run.results[g.CLOSE.key].why, "nothing was held"
    proven(run)


def test_restored_and_switched_nobody_should_read_the_old_table_and_users_should_be_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_and_finished(stage, "switch", (g.SWITCH, g.FUNCTIONS_AGAIN))
    assert ended(run).word == Word.REACHED, ended(run).why
    found, new = truth(stage), restored_table(run.run)
    assert found["table_in_use"] == dict.fromkeys(REGIONS, new)
    assert found["reading_old"] == []
    assert found["corrupted"] == []
    assert made_twice(stage) == []
    assert sum(found["imports_missing"].values()) == 0, (
        "what partners had sent since the recovery point is imported again"
    )
    assert no_old_job_ran(stage, run), "no job older than the recovery point changed data, also an hour later"
    for region in REGIONS:
        assert release(run, region) == "2026.01.1"
        assert "DrcoreDenyWrites" in policy(run, region), "the corrupt table stays as it is"
        assert writers(run, region)["functions"] == dict.fromkeys(run.run.facts.functions)
        assert writers(run, region)["provisioned"] == PROVISIONED
    told = [line["parameters"]["json"]["incident"]["body"] for line in writes(run) if line["call"] == "http:PATCH"]
    assert "restored from a backup" in told[-1]
    assert "have been lost" in told[-1]
    left = "the flag jobs_not_before stays on in us-east-1, us-west-2: jobs made before "
    assert left in run.results[g.CLOSE.key].why and left in " ".join(ended(run).remarks), "whoever goes home knows it"
    proven(run)
    imports_are_done_once(stage.again(run), monkeypatch)


def imports_are_done_once(run: Runbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log does not answer after a restart, too: else all would go back a day."""

    def silent(*_: Any, **__: Any) -> None:
        raise Unknown("no answer")

    monkeypatch.setattr(partner_cursors.logs, "insights", silent)
    for target in g.IMPORTS.targets(run.run):
        check = g.IMPORTS.expect(run.run, target, g.IMPORTS.look(run.run, target))
        assert check and check.answer is Answer.YES, check


def test_a_rehearsal_of_a_quiet_world_should_name_every_act_and_write_nothing(stage: Stage) -> None:
    run = stage.open(stage.prepare(PLAN, Mode.REHEARSE))
    assert carry_out(run) is None
    assert stage.effects == []
    would = {title for title, outcome in outcomes(run).items() if outcome is Outcome.WOULD}
    assert {g.CONFIRM.title, g.WORKERS.title, g.DENY.title, g.NOTHING_WRITES.title, g.WORKERS_AGAIN.title} <= would
