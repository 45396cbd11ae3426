"""SQS: a short poll asks a sample of the servers, so that it may find only some of the messages, or none.

moto keeps the queues. Simplified: a long poll finds what there is, and ends at once. Of a queue whose consumers are
the company's own the messages lie in `Messages`: its attributes count them, a redrive moves them, and whoever receives
from outside finds none of them. A redrive moves as many a second as it was asked for, or ten.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.moto import backends
from drcore.sandbox.services.logs.state import millis

MOST = 10
"""Messages that one receive can return."""
RATE = 10
"""Messages a second that a redrive moves where nobody says how many."""
FREQUENT = 3
"""A message that was received more often than that no longer counts as the oldest of its queue."""


@dataclass(slots=True)
class QueuedMessage:
    """One message: when it was sent, which a redrive does anew; from when on it can be received, how often it was."""

    body: str
    sent: datetime
    visible: datetime
    received: int = 0


@dataclass(slots=True)
class MoveTask:
    """One redrive, from the ARN of a dead-letter queue to that of its source."""

    handle: str
    source: str
    destination: str
    started: datetime
    to_move: int
    rate: int
    moved: int = 0
    status: str = "RUNNING"


class Messages:
    """The messages of the queues that the company's own consumers work off, by region and name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.queues: dict[tuple[str, str], list[QueuedMessage]] = {}
        self.tasks: dict[str, list[MoveTask]] = {region: [] for region in world.regions}

    def oldest(self, region: str, name: str) -> float:
        """The age of the oldest message in seconds, as the metric has it: one that is received in vain has none."""
        ages = (self._world.clock.now() - each.sent for each in self.queues[region, name] if each.received <= FREQUENT)
        return max((age.total_seconds() for age in ages), default=0.0)

    def tick(self, at: datetime) -> None:
        """Move on each redrive."""
        for region, tasks in self.tasks.items():
            for task in tasks:
                if task.status == "RUNNING":
                    self._move(region, task, at)

    def _move(self, region: str, task: MoveTask, at: datetime) -> None:
        dead, alive = (
            self.queues.get((region, each.rpartition(":")[2]), []) for each in (task.source, task.destination)
        )
        due = min(task.to_move, int((at - task.started).total_seconds() * task.rate))
        for message in dead[: max(0, due - task.moved)]:
            alive.append(QueuedMessage(message.body, at, at))  # a new message: its age begins anew
            dead.remove(message)
        task.moved = max(task.moved, due)
        if task.moved == task.to_move:
            task.status = "COMPLETED"


@operation("sqs", "ReceiveMessage")
def receive_message(call: AwsCall) -> dict[str, Any]:
    """As the API: without a wait, of the messages that are asked for as many as the servers asked by chance have."""
    params = dict(call.params)
    wanted = min(int(params.get("MaxNumberOfMessages") or 1), MOST)
    if not params.get("WaitTimeSeconds"):
        count = call.world.count("sqs", "short poll", call.region)
        wanted = call.world.rng("short poll", call.region, count).randint(0, wanted)
    if not wanted:
        return {}
    return call.forward(params | {"MaxNumberOfMessages": wanted, "WaitTimeSeconds": 0})


@operation("sqs", "GetQueueAttributes")
def get_queue_attributes(call: AwsCall) -> dict[str, Any]:
    """As the API: the counts of our own consumers' messages are exact."""
    answer = call.forward(dict(call.params))
    name = str(call.params["QueueUrl"]).rpartition("/")[2]
    messages = call.world.state(Messages).queues.get((call.region, name))
    if messages is None:
        return answer
    now = call.world.clock.now()
    counts = {
        "ApproximateNumberOfMessages": sum(each.visible <= now for each in messages),
        "ApproximateNumberOfMessagesNotVisible": sum(each.visible > now for each in messages),
    }
    had = answer.get("Attributes", {})
    return answer | {"Attributes": had | {key: str(int(had[key]) + n) for key, n in counts.items() if key in had}}


@operation("sqs", "StartMessageMoveTask")
def start_message_move_task(call: AwsCall) -> dict[str, Any]:
    """As the API: one at a time of a queue, of a dead-letter queue only. Simplified: to where it came from only."""
    source, messages = str(call.params["SourceArn"]), call.world.state(Messages)
    destination = _redriven_to(call, source)
    tasks = messages.tasks[call.region]
    if any(each.source == source and each.status == "RUNNING" for each in tasks):
        text = (
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
        raise AwsError("AWS.SimpleQueueService.UnsupportedOperation", text, 400)
    now = call.world.clock.now()
    task = f"{call.world.rng('move task', call.region, len(tasks)).getrandbits(128):032x}"
    handle = base64.b64encode(json.dumps({"taskId": task, "sourceArn": source}).encode()).decode()
    waiting = len(messages.queues.get((call.region, source.rpartition(":")[2]), []))
    rate = int(call.params.get("MaxNumberOfMessagesPerSecond") or RATE)
    tasks.append(MoveTask(handle, source, destination, now, waiting, rate))
    return {"TaskHandle": handle}


@operation("sqs", "ListMessageMoveTasks")
def list_message_move_tasks(call: AwsCall) -> dict[str, Any]:
    """As the API: the newest first, one or up to ten; only one that runs has a handle."""
    source, most = str(call.params["SourceArn"]), min(int(call.params.get("MaxResults") or 1), 10)
    _redriven_to(call, source)
    tasks = [each for each in call.world.state(Messages).tasks[call.region] if each.source == source]
    return {"Results": [_told(each) for each in tasks[::-1][:most]]}


@operation("sqs", "CancelMessageMoveTask")
def cancel_message_move_task(call: AwsCall) -> dict[str, Any]:
    """As the API: what was moved stays where it is now."""
    handle = str(call.params["TaskHandle"])
    tasks = [each for each in call.world.state(Messages).tasks[call.region] if each.handle == handle]
    if not tasks or tasks[0].status != "RUNNING":
        text = "Task does not exist." if not tasks else "Only active tasks can be cancelled."
        raise AwsError("ResourceNotFoundException", text, 404)
    tasks[0].status = "CANCELLED"
    return {"ApproximateNumberOfMessagesMoved": tasks[0].moved}


def _told(task: MoveTask) -> dict[str, Any]:
    entry = {
        "Status": task.status,
        "SourceArn": task.source,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": millis(task.started),
    }
    return entry | ({"TaskHandle": task.handle} if task.status == "RUNNING" else {})


def _redriven_to(call: AwsCall, source: str) -> str:
    """The ARN of the queue whose dead-letter queue this is. Raises AwsError where it is nobody's."""
    queues = backends.sqs(call.account, call.region).queues
    if source.rpartition(":")[2] not in queues:
        text = "The resource that you specified for the SourceArn parameter doesn't exist."
        raise AwsError("ResourceNotFoundException", text, 404)
    for queue in queues.values():
        if (queue.redrive_policy or {}).get("deadLetterTargetArn") == source:
            return str(queue.queue_arn)
    text = "Source queue must be configured as a Dead Letter Queue."
    raise AwsError("AWS.SimpleQueueService.InvalidParameterValue", text, 400)


@resource_policy("sqs")
def queue_policy(world: World, arn: str) -> str:
    """The policy of a queue; empty where it has none."""
    queue = backends.sqs(world.account, arn.split(":")[3]).queues.get(arn.rpartition(":")[2])
    policy = queue.policy if queue else None
    return policy if isinstance(policy, str) else json.dumps(policy) if policy else ""
