"""Jobs that are not done at once: they wait, they go to the dead-letter queue, a flag holds those that are old."""

import json
from datetime import timedelta

from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.services.sqs import Messages
from drcore.sandbox.syncwell.life.waiting_jobs import WaitingJobs
from tests.support.corrupted_world import corrupted, deny, scale
from tests.support.own_flag import deploy_flag
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

QUEUE, DEAD, FLAG = "syncwell-jobs", "syncwell-jobs-dead", "jobs_not_before"


def count(world: SyncWellWorld, queue: str, region: str = EAST) -> int:
    queues = world.client("sqs", region)
    url = queues.get_queue_url(QueueName=queue)["QueueUrl"]
    found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def states(world: SyncWellWorld, region: str = EAST) -> dict[str, list[str]]:
    """By job, what the log says of it, in order."""
    found: dict[str, list[str]] = {}
    for page in world.client("logs", region).get_paginator("filter_log_events").paginate(logGroupName="/syncwell/jobs"):
        for each in page["events"]:
            told = json.loads(each["message"])
            if told["event"] == "job":
                found.setdefault(told["job"], []).append(told["state"])
    return found


def hold(world: SyncWellWorld, before: str, region: str = EAST) -> None:
    deploy_flag(world, region, FLAG, {"enabled": True, "made_at": before})


def test_old_jobs_should_change_data_when_their_time_comes_and_not_where_the_flag_holds_them() -> None:
    world = corrupted()
    assert (count(world, QUEUE), count(world, QUEUE, WEST)) == (3, 3)
    hold(world, precise(world.now - timedelta(minutes=20)))
    world.sleep(45 * 60)
    late = world.sandbox.world.state(WaitingJobs).late
    old = [each for each in late if each.made < each.done - timedelta(minutes=20)]
    assert {each.region for each in old} == {WEST}, "where no flag holds them"
    assert (count(world, QUEUE), count(world, DEAD), count(world, DEAD, WEST)) == (0, 3, 0)
    assert sum(told[-1] == "held" for told in states(world).values()) == 3
    queues = world.client("sqs")
    dead = f"arn:aws:sqs:{EAST}:123456789012:{DEAD}"
    queues.start_message_move_task(SourceArn=dead)
    world.sleep(60)
    (task,) = queues.list_message_move_tasks(SourceArn=dead, MaxResults=10)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert "TaskHandle" not in task
    assert count(world, DEAD) == 3, "a redrive makes the message young, not the job"


def test_jobs_should_wait_while_nobody_works_and_fail_while_writes_are_denied() -> None:
    world = corrupted(old_jobs=0)
    deny(world, EAST)
    world.sleep(180)
    assert count(world, DEAD) > 3
    assert any(told[-1] == "dead" and told.count("failed") == 4 for told in states(world).values())
    scale(world, WEST, 0)
    functions = world.client("lambda", WEST)
    for each in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
    world.sleep(300)
    waiting = count(world, QUEUE, WEST)
    assert waiting > 20
    assert count(world, DEAD, WEST) == 0
    assert world.sandbox.world.state(Messages).oldest(WEST, QUEUE) > 150
    scale(world, WEST, 4)
    world.sleep(240)
    assert count(world, QUEUE, WEST) < 5
