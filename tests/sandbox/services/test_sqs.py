"""The jobs queue of a region: how old its oldest job is, and what the account may run."""

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


def _ages(world: SyncWellWorld, region: str, minutes: int) -> list[float]:
    dimensions = [{"Name": "QueueName", "Value": "syncwell-jobs"}]
    metric = {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage", "Dimensions": dimensions}
    query = [{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}]
    values: list[float] = world.data(query, minutes=minutes, region=region)["MetricDataResults"][0]["Values"]
    return values


def test_jobs_should_be_young_in_both_regions() -> None:
    world = SyncWellWorld()
    for region in (EAST, WEST):
        assert world.client("sqs", region).get_queue_url(QueueName="syncwell-jobs")["QueueUrl"]
        assert max(_ages(world, region, 60)) < 5


def test_a_backlog_should_show_after_an_outage_and_go() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST, kind="lambda-sqs", duration=10)
    world.sleep(9 * 60)
    assert _ages(world, EAST, 5) == []
    world.sleep(3 * 60)
    assert max(_ages(world, EAST, 5)) > 400
    world.sleep(5 * 60)
    assert _ages(world, EAST, 1)[-1] < 5


def test_the_account_should_say_how_much_lambda_may_run_at_once() -> None:
    limits = SyncWellWorld().client("lambda", WEST).get_account_settings()
    assert limits["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert limits["AccountUsage"]["FunctionCount"] == 3


def test_a_short_poll_should_find_some_of_the_messages_or_none_and_a_long_one_ten() -> None:
    world = SyncWellWorld()
    queues = world.client("sqs")
    url = {"QueueUrl": queues.create_queue(QueueName="of-the-test")["QueueUrl"]}
    for number in range(15):
        queues.send_message(**url, MessageBody=str(number))
    asked = {**url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    short = [len(queues.receive_message(**asked).get("Messages", ())) for _ in range(30)]
    assert 0 in short and max(short) <= 10 and len(set(short)) > 3
    assert len(queues.receive_message(**asked, WaitTimeSeconds=20)["Messages"]) == 10
