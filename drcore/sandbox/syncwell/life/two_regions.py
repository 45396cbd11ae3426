"""What plan A needs of SyncWell: DNS with health checks, levers, users by market, replicated data."""

from collections.abc import Callable
from datetime import datetime, timedelta
from json import dumps
from typing import Protocol

from drcore.sandbox.core.call_hooks import CallHooks
from drcore.sandbox.core.outage_calls import meets
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.arc import RoutingControls
from drcore.sandbox.services.dynamodb.replication_view import LONGEST_LAG, SHORTEST_LAG, GlobalTable
from drcore.sandbox.services.elasticloadbalancing import LoadBalancers
from drcore.sandbox.services.route53.health_checks import HealthChecks
from drcore.sandbox.services.route53.operations import Route53
from drcore.sandbox.services.sqs import Messages
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life import waiting_jobs
from drcore.sandbox.syncwell.life.complaints import SufferingUsers
from drcore.sandbox.syncwell.life.health_endpoint import HealthEndpoints
from drcore.sandbox.syncwell.life.job_queue import JobQueue
from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from drcore.sandbox.syncwell.life.table_readers import TableReaders
from drcore.sandbox.syncwell.life.table_writers import TableWriters
from drcore.sandbox.syncwell.life.users import UserBase


def set_up(world: World) -> None:
    """Make the resources as they are when the doors open."""
    endpoints, checks = world.state(HealthEndpoints), world.state(HealthChecks)
    checks.probe, checks.routing_control = endpoints.probe, world.state(RoutingControls).is_on
    zone = world.state(Route53).add(names.ZONE_ID, names.ZONE)
    store, balancers = backends.s3(world.account), world.state(LoadBalancers)
    for region in world.regions:
        balancers.add(names.BALANCER_HOSTS[region], names.NODES[region])
        checks.add(names.health_check(region), f"founded-{region}", _check(region))
        store.create_bucket(names.levers_bucket(region), region)
        store.put_object(names.levers_bucket(region), names.LEVER_KEY, dumps(endpoints.levers, indent=2).encode())
    waiting_jobs.set_up(world)
    zone.put(_record(region) for region in world.regions)
    world.state(GlobalTable).create(names.TABLE, ttl=names.TTL_ATTRIBUTE, tags=names.TAGS)
    world.state(TableWriters).begin()
    world.state(CallHooks).intercept(meets(world))


class Moving(Protocol):
    """What moves with time."""

    def tick(self, at: datetime, /) -> None:
        """A moment has come."""


def actors(world: World) -> tuple[Callable[[datetime], None], ...]:
    """What moves at each tick, before the releases and the alarms do."""
    moving: tuple[type[Moving], ...] = (
        HealthEndpoints,
        HealthChecks,
        UserBase,
        JobQueue,
        Messages,
        TableBindings,
        TableReaders,
        GlobalTable,
        SufferingUsers,
    )
    return tuple(world.state(actor).tick for actor in moving)


def remember(world: World, since: datetime) -> None:
    """The metrics of a quiet history from `since` until now."""
    users, jobs = world.state(UserBase), world.state(JobQueue)
    complaints = world.state(SufferingUsers)
    table, checks = world.state(GlobalTable), world.state(HealthChecks)
    minute, end, at = timedelta(minutes=1), world.clock.now(), since
    first, second = world.regions
    while at < end:
        at += minute
        begin = epoch(at) - MINUTE
        with world.clock.at(at):
            users.serve(at, minute)
            jobs.tick(at)
        for check in checks:
            checks.publish(check, begin)
        for region in world.regions:
            complaints.publish(region, begin, 0)
        for source, target in ((first, second), (second, first)):
            stream = world.rng("quiet replication", source, begin)
            table.publish(source, target, begin, [1000 * stream.uniform(SHORTEST_LAG, LONGEST_LAG) for _ in range(8)])


def _check(region: str) -> dict[str, object]:
    return {
        "Port": 443,
        "Type": "HTTPS",
        "ResourcePath": names.HEALTH_PATH,
        "FullyQualifiedDomainName": names.health_host(region),
        "RequestInterval": 10,
        "FailureThreshold": 3,
        "MeasureLatency": False,
        "Inverted": False,
        "Disabled": False,
        "EnableSNI": True,
    }


def _record(region: str) -> dict[str, object]:
    return {
        "Name": names.RECORD,
        "Type": "A",
        "SetIdentifier": region,
        "Weight": 100,
        "AliasTarget": {
            "HostedZoneId": f"Z0ELB-{region}",
            "DNSName": f"{names.BALANCER_HOSTS[region]}.",
            "EvaluateTargetHealth": False,
        },
        "HealthCheckId": names.health_check(region),
    }
