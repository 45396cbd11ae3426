"""SNS: messages that the world itself sends (alarm actions, deployment triggers); the policies of topics."""

from moto.sns.exceptions import SNSNotFoundError

from drcore.sandbox.core.world import World
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.moto import backends
from drcore.sandbox.moto.seeding import tied_to


@resource_policy("sns")
def topic_policy(world: World, arn: str) -> str:
    """The policy of a topic; the one that each is born with grants nothing to whoever calls himself."""
    topic = backends.sns(world.account, arn.split(":")[3]).topics.get(arn)
    return topic.policy if topic else ""


def publish(world: World, region: str, topic: str, subject: str, message: str) -> bool:
    """Publish to a topic's ARN and so to its subscriptions; False if there is no such topic."""
    purpose = world.purpose("sns message", topic, sent(world, region, topic))
    try:
        with tied_to(purpose):
            backends.sns(world.account, region).publish(message=message, arn=topic, subject=subject[:100])
    except SNSNotFoundError:
        return False
    return True


def sent(world: World, region: str, topic: str) -> int:
    """How many messages the topic (by ARN) has sent, whoever published them; 0 if there is no such topic."""
    known = backends.sns(world.account, region).topics.get(topic)
    return len(known.sent_notifications) if known else 0
