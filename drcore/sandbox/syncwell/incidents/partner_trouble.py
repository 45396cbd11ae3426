"""The ways in which a partner goes wrong, or what SyncWell has to do with it (plan D).

An outage of a partner ends by itself after its time. A flag, a status page, a credential stay as they are until
somebody changes them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from drcore.sandbox.core.faults import Option, Options, Undo, UnknownFault, fault
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.experiments import Experiments
from drcore.sandbox.services.appconfig.monitors import Monitors
from drcore.sandbox.services.appconfig.state import AppConfig, ConfigApplication, ConfigProfile, Environment
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.partner_accounts import PACE, document
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment, Broken, refuse_second
from drcore.sandbox.syncwell.life.partner_syncs import SPACE, PartnerSyncs
from drcore.sandbox.vendors.partners.pages import Manner, PartnerPages
from drcore.sandbox.vendors.partners.state import PartnerHealth, Partners

_FAILS, _SLOWNESS_MS = 0.95, 900.0  # of a partner that is out: the share of its calls, the time of the others
HALF_DOWN = PartnerHealth(errors=0.5, latency_ms=1800.0)
WELL = PartnerHealth()
_DAY = 24 * 60  # minutes
SLOWLY_IN, MONITOR = "us-east-1", "partner-errors"
"""The region in which something stands in the way of a switch."""

PARTNER = Option(default="pulsewatch", help="which partner", choices=names.PARTNERS)
DURATION = Option(
    default=15.0, help="minutes until the partner is well again; 0 is until the fault is cleared", most=_DAY
)
PAGE_LAG = Option(default=4.0, help="minutes by which the partner's status page is late", most=_DAY)
UNNOTICED = Option(default=5.0, help="minutes that pass until somebody looks", most=_DAY)
SILENT = Option(default=0.0, help="the share of calls that get no answer; a probe really waits for it", most=_FAILS)
_SINCE = timedelta(hours=1)
"""How long the experiment has run: its own deployment is over."""
OPTIONS: Mapping[str, Option] = {
    "partner": PARTNER,
    "duration": DURATION,
    "page_lag": PAGE_LAG,
    "unnoticed": UNNOTICED,
}
OUTAGE: Mapping[str, Option] = {**OPTIONS, "silent": SILENT}


@dataclass(slots=True)
class OutageEnd:
    """What happens at a moment, and ends it."""

    at: datetime
    end: Callable[[], None]


class PartnerOutages:
    """The troubles that are to end by themselves."""

    def __init__(self, world: World) -> None:
        self._ends: list[OutageEnd] = []
        world.on_tick(self.tick)

    def then(self, at: datetime, end: Callable[[], None]) -> None:
        """Let it end so at that moment."""
        self._ends.append(OutageEnd(at, end))

    def tick(self, at: datetime) -> None:
        """End what is over."""
        for end in [each for each in self._ends if each.at <= at]:
            self._ends.remove(end)
            end.end()


@fault("partner-outage", options=OUTAGE)
def partner_outage(world: World, options: Options) -> Undo:
    """A partner's API fails: 19 of 20 calls get errors, or no answer at all. Its page tells of it late."""
    return _begin(world, "partner-outage", options, _down(options["silent"]), (options["partner"],))


@fault("partner-degraded", options=OPTIONS)
def partner_degraded(world: World, options: Options) -> Undo:
    """One operation of a partner fails in half of the calls; the others are well."""
    return _begin(world, "partner-degraded", options, HALF_DOWN, (options["partner"],), "write-activities")


def _are_two(options: Options) -> None:
    if options["partner"] == options["second"]:
        raise UnknownFault(f"options.second: expected another partner than {options['partner']}; saw it again")


@fault(
    "partner-outage-two",
    options={
        **OPTIONS,
        "second": Option(default="strideon", help="the other one", choices=names.PARTNERS),
        "second_longer": Option(default=0.0, help="minutes by which the other one is out for longer", most=_DAY),
    },
    check=_are_two,
)
def partner_outage_two(world: World, options: Options) -> Undo:
    """Two partners are out at once."""
    mend = _begin(world, "partner-outage-two", options, _down(), (options["partner"], options["second"]))
    if options["duration"] and options["second_longer"]:
        outages, later = world.state(PartnerOutages), timedelta(minutes=options["second_longer"])
        outages.then(_after(world, options), lambda: _down_again(world, options["second"]))
        outages.then(_after(world, options) + later, mend)
    return mend


def _down_again(world: World, partner: str) -> None:
    """The moment at which the first one is back is not that of the second one."""
    world.state(Partners).become(partner, _down())


@fault(
    "partner-status-page-lies",
    options={**OPTIONS, "says": Option(default="well", help="what it says, whatever is", choices=("well", "down"))},
)
def partner_status_page_lies(world: World, options: Options) -> Undo:
    """A partner's page says that all is well while its API is out; or it tells of an outage, and there is none."""
    page, down = world.state(PartnerPages).known[options["partner"]], options["says"] == "down"
    page.manner = Manner.SAYS_DOWN if down else Manner.SAYS_WELL
    health = WELL if down else _down()
    mend = _begin(world, "partner-status-page-lies", options, health, (options["partner"],), harmless=down)

    def honest() -> None:
        page.manner = Manner.HONEST

    if down and options["duration"]:
        world.state(PartnerOutages).then(_after(world, options), honest)
    return _both(mend, honest)


@fault("our-secret-expired", options=OPTIONS)
def our_secret_expired(world: World, options: Options) -> Undo:
    """A partner takes another key from now on, and refuses ours; after a time somebody puts in the new one."""
    partner = options["partner"]
    key = f"emulated-{partner}-key-2"
    world.state(Partners).rotate(partner, key)
    mend = _begin(world, "our-secret-expired", options, WELL, (partner,))

    def renew() -> None:
        world.client("secretsmanager", world.regions[0]).put_secret_value(
            SecretId=names.partner_secret(partner),
            SecretString=key,
            ClientRequestToken=str(uuid5(NAMESPACE_DNS, key)),
        )

    if options["duration"]:
        world.state(PartnerOutages).then(_after(world, options), renew)
    return _both(mend, renew)


@fault("flag-deployment-in-the-way", options=OPTIONS)
def flag_deployment_in_the_way(world: World, options: Options) -> Undo:
    """As partner-outage, and a colleague's change of another flag is given out in us-east-1, for half an hour."""
    mend = _begin(world, "flag-deployment-in-the-way", options, _down(), (options["partner"],))
    _give_out(world, options["partner"])
    return mend


@fault("flag-monitor-rolls-back", options=OPTIONS)
def flag_monitor_rolls_back(world: World, options: Options) -> Undo:
    """As partner-outage, and in us-east-1 the alarm on the partner's errors watches the flags' environment.

    Switches are watched for two minutes there: the alarm of the outage takes back the very switch that is to end it.
    """
    _, place, _ = _switches(world)
    alarms, store = world.state(CloudWatch).alarms[SLOWLY_IN], world.state(AppConfig)
    alarms.put(_errors_alarm(options["partner"]))
    place.monitors = [{"AlarmArn": f"arn:aws:cloudwatch:{SLOWLY_IN}:{world.account}:alarm:{MONITOR}"}]
    world.state(Monitors)  # which looks at them from now on
    known = store.strategy(SLOWLY_IN, names.SWITCH_AT_ONCE)
    store.strategies[SLOWLY_IN][known.id] = replace(known, bake=2)
    return _begin(world, "flag-monitor-rolls-back", options, _down(), (options["partner"],))


@fault(
    "flag-under-experiment",
    options={**OPTIONS, "deployment": Option(default=False, help="a colleague's deployment is in the way, too")},
)
def flag_under_experiment(world: World, options: Options) -> Undo:
    """As partner-outage, and an experiment in us-east-1 keeps the integration on for half of the users, since long."""
    with world.clock.at(world.clock.now() - _SINCE):
        _experiment(world, options["partner"])
    mend = _begin(world, "flag-under-experiment", options, _down(), (options["partner"],))
    if options["deployment"]:
        _give_out(world, options["partner"])
    return mend


def _errors_alarm(partner: str) -> dict[str, Any]:
    of = {"Operation": "read-activities", "Partner": partner}
    return {
        "AlarmName": MONITOR,
        "AlarmDescription": f"Calls to {partner} fail.",
        "ActionsEnabled": True,
        "Namespace": SPACE,
        "MetricName": "Errors",
        "Dimensions": [{"Name": name, "Value": value} for name, value in of.items()],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 1,
        "Threshold": 50.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    }


def _experiment(world: World, partner: str) -> None:
    home, place, profile = _switches(world)
    experiments = world.state(Experiments)
    made = experiments.create(
        SLOWLY_IN,
        {
            "ApplicationIdentifier": home.id,
            "EnvironmentIdentifier": place.id,
            "ConfigurationProfileIdentifier": profile.id,
            "Name": f"{partner}-more-often",
            "FlagKey": names.integration_flag(partner),
            "AudienceRule": "true",
            "Control": {"Weight": 0.0, "FlagValue": {"Enabled": True}},
            "Treatments": [{"Weight": 100.0, "FlagValue": {"Enabled": True}}],
        },
    )
    experiments.start(SLOWLY_IN, made, 50.0, {}, "do more syncs keep users?")


def _give_out(world: World, partner: str) -> None:
    """Let somebody's change of a flag of another partner be given out slowly."""
    store, (_, place, profile) = world.state(AppConfig), _switches(world)
    changed = document()
    other = next(each for each in names.PARTNERS if each != partner)
    changed["values"][names.integration_flag(other)]["calls_a_minute"] = PACE - 500
    version = store.host(profile, json.dumps(changed, indent=2).encode())
    slow = store.strategy(SLOWLY_IN, "AppConfig.Linear20PercentEvery6Minutes")
    store.deploy(place, profile, version, slow, f"a slower pace for {other}")


def _switches(world: World) -> tuple[ConfigApplication, Environment, ConfigProfile]:
    store = world.state(AppConfig)
    home = store.application(SLOWLY_IN, names.SWITCH_APPLICATION)
    return (
        home,
        store.environment(home, names.SWITCH_ENVIRONMENT),
        store.profile(home, names.SWITCH_PROFILE),
    )


def _down(silent: float = 0.0) -> PartnerHealth:
    """A partner that is out."""
    return PartnerHealth(errors=_FAILS - silent, timeouts=silent, latency_ms=_SLOWNESS_MS)


def _both(one: Callable[[], None], other: Callable[[], None]) -> Undo:
    """One after the other."""

    def undo() -> None:
        one()
        other()

    return undo


def _after(world: World, options: Options) -> datetime:
    """When it is over, by the moment at which it began."""
    began = world.state(BadDeployment).broken.began
    assert began is not None
    return began + timedelta(minutes=options["duration"])


def _begin(
    world: World,
    name: str,
    options: Options,
    health: PartnerHealth,
    partners: tuple[str, ...],
    *operations: str,
    harmless: bool = False,
) -> Undo:
    refuse_second(world, name)
    known, now = world.state(Partners), world.clock.now()
    for partner in partners:
        known.become(partner, health, *operations)
        world.state(PartnerPages).known[partner].lag = timedelta(minutes=options["page_lag"])
    world.state(BadDeployment).broken = Broken(name, now, now)
    world.state(PartnerSyncs).begin(*partners, harmless=harmless)

    def mend() -> None:
        for partner in partners:
            known.become(partner, WELL)

    if options["duration"]:
        world.state(PartnerOutages).then(now + timedelta(minutes=options["duration"]), mend)
    world.clock.advance(60 * options["unnoticed"])
    return mend
