"""SNS messages that the world itself sends: alarm actions, deployment triggers."""

from moto.sns.exceptions import SNSNotFoundError

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.moto.seeding import tied_to


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
