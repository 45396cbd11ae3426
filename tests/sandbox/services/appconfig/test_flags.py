"""Feature flags: validated, given out by entity, held by experiments, rolled back by monitors."""

import json
from itertools import pairwise
from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.appconfig import agent
from tests.sandbox.conftest import Client
from tests.support.syncwell_world import EAST, refused

FITBIT, GARMIN = "integration_fitbit_enabled", "integration_garmin_enabled"
ENTITIES = [f"user-{number:03}" for number in range(200)]


def document(fitbit: bool = True, garmin: bool = True, **more: Any) -> dict[str, Any]:
    attributes = {"banner": {"constraints": {"type": "string"}}}
    return {
        "version": "1",
        "flags": {FITBIT: {"name": "Fitbit", "attributes": attributes}, GARMIN: {"name": "Garmin"}},
        "values": {FITBIT: {"enabled": fitbit, "banner": "soon"}, GARMIN: {"enabled": garmin}},
    } | more


class Switches:
    """One environment with a profile of flags."""

    def __init__(self, empty: InProcess, appconfig: Any) -> None:
        self.empty, self.api = empty, appconfig
        app = appconfig.create_application(Name="syncwell")["Id"]
        self.of = {"ApplicationId": app}
        self.environment = appconfig.create_environment(Name="switches", **self.of)["Id"]
        made = appconfig.create_configuration_profile(
            Name="flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags", **self.of
        )
        self.profile = made["Id"]
        self.fast = self.strategy("fast", 0)

    def strategy(self, name: str, minutes: int, growth: float = 100.0) -> str:
        made = self.api.create_deployment_strategy(
            Name=name,
            DeploymentDurationInMinutes=minutes,
            GrowthFactor=growth,
            FinalBakeTimeInMinutes=0,
            ReplicateTo="NONE",
        )
        return str(made["Id"])

    def host(self, content: dict[str, Any]) -> int:
        made = self.api.create_hosted_configuration_version(
            ConfigurationProfileId=self.profile,
            Content=json.dumps(content).encode(),
            ContentType="application/json",
            **self.of,
        )
        return int(made["VersionNumber"])

    def deploy(self, content: dict[str, Any], strategy: str = "", **more: Any) -> int:
        begun = self.api.start_deployment(
            EnvironmentId=self.environment,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=str(self.host(content)),
            DeploymentStrategyId=strategy or self.fast,
            **self.of,
            **more,
        )
        return int(begun["DeploymentNumber"])

    def sleep(self, seconds: float) -> None:
        self.empty.request("POST", "/_sandbox/clock", {"sleep": seconds})

    def state(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get_deployment(
            EnvironmentId=self.environment, DeploymentNumber=number, **self.of
        )
        return found

    def seen_by(self, entity: str = "") -> dict[str, Any]:
        """The flags by the agent of the region."""
        path = "/appconfig-agent/us-east-1/applications/syncwell/environments/switches/configurations/flags"
        status, found = self.empty.request("GET", path, None, {"Entity-Id": entity} if entity else {})
        assert status == 200, found
        flags: dict[str, Any] = found
        return flags

    def on(self) -> int:
        """For how many entities the flag is on."""
        names = ("syncwell", "switches", "flags")
        seen = [agent.flags(self.empty.world, EAST, *names, entity) for entity in ENTITIES]
        return sum(each[FITBIT]["enabled"] for each in seen)


@pytest.fixture
def switches(empty: InProcess, client: Client) -> Switches:
    return Switches(empty, client("appconfig"))


def test_consumers_should_get_the_values_and_of_a_flag_that_is_off_nothing_else(
    switches: Switches, client: Client
) -> None:
    switches.deploy(document(garmin=False))
    switches.sleep(60)
    assert switches.seen_by() == {FITBIT: {"enabled": True, "banner": "soon"}, GARMIN: {"enabled": False}}
    data = client("appconfigdata")
    names = {"ApplicationIdentifier": "syncwell", "EnvironmentIdentifier": "switches"}
    session = data.start_configuration_session(ConfigurationProfileIdentifier="flags", **names)
    found = data.get_latest_configuration(ConfigurationToken=session["InitialConfigurationToken"])
    assert json.loads(found["Configuration"].read()) == switches.seen_by()


def test_times_should_be_appconfigs_own_and_move_for_what_was_changed_only(switches: Switches) -> None:
    numbers = [switches.host(document())]
    switches.sleep(60)
    numbers.append(switches.host(document(fitbit=False)))
    first, second = (
        json.loads(
            switches.api.get_hosted_configuration_version(
                ConfigurationProfileId=switches.profile, VersionNumber=number, **switches.of
            )["Content"].read()
        )
        for number in numbers
    )
    assert first["values"][GARMIN] == second["values"][GARMIN]
    assert first["values"][FITBIT]["_createdAt"] == second["values"][FITBIT]["_createdAt"]
    assert first["values"][FITBIT]["_updatedAt"] < second["values"][FITBIT]["_updatedAt"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (document(version="2"), "version"),
        (document(more=1), "more"),
        (document(values={FITBIT: {"banner": "x"}}), f"values.{FITBIT}.enabled"),
        (document(values={"nobody": {"enabled": True}}), "values.nobody"),
        (document(flags={"Capital": {}}, values={}), "flags.Capital"),
        (document(flags={f"flag{n}": {} for n in range(101)}, values={}), "at most 100"),
        (document(values={FITBIT: {"enabled": True, "banner": 7}}), f"values.{FITBIT}.banner"),
        (document(values={FITBIT: {"enabled": True, "colour": "x"}}), f"values.{FITBIT}.colour"),
    ],
)
def test_what_is_no_document_of_flags_should_be_refused_by_name(
    switches: Switches, wrong: dict[str, Any], named: str
) -> None:
    assert named in refused("BadRequestException", switches.host, content=wrong)


def test_the_latest_deployment_should_be_compared_and_one_should_run_at_a_time(switches: Switches) -> None:
    first = switches.deploy(document())
    switches.sleep(60)
    refused("ConflictException", switches.deploy, content=document(fitbit=False), LatestDeploymentNumber=first - 1)
    slow = switches.strategy("slow", 10, 10.0)
    second = switches.deploy(document(fitbit=False), slow, LatestDeploymentNumber=first)
    refused("ConflictException", switches.deploy, content=document(), LatestDeploymentNumber=second)


def test_the_agent_should_answer_what_it_got_by_its_last_poll(switches: Switches) -> None:
    """A flag that is deployed is not yet a flag that is seen."""
    switches.deploy(document())
    switches.sleep(120)
    switches.deploy(document(fitbit=False))
    seen = []
    for _ in range(11):
        seen.append(switches.seen_by()[FITBIT]["enabled"])
        switches.sleep(5)
    assert seen[-1] is False
    assert seen == sorted(seen, reverse=True)


def test_a_ramp_should_reach_entities_one_after_another_and_never_take_one_back(switches: Switches) -> None:
    switches.deploy(document(fitbit=False))
    switches.sleep(120)
    assert switches.on() == 0
    switches.deploy(document(), switches.strategy("ramp", 10, 20.0))
    reached: list[set[str]] = []
    for _ in range(6):
        switches.sleep(120)
        now = {each for each in ENTITIES[:40] if switches.seen_by(each)[FITBIT]["enabled"]}
        reached.append(now)
    assert all(before <= after for before, after in pairwise(reached))
    assert 0 < len(reached[0]) < 40 and len(reached[-1]) == 40


def experiment(switches: Switches, **more: Any) -> str:
    made = switches.api.create_experiment_definition(
        ApplicationIdentifier="syncwell",
        Name="fitbit-sync",
        ConfigurationProfileIdentifier="flags",
        EnvironmentIdentifier="switches",
        FlagKey=FITBIT,
        AudienceRule="true",
        Control={"Weight": 0.0, "FlagValue": {"Enabled": False}},
        Treatments=[{"Weight": 100.0, "FlagValue": {"Enabled": True}}],
        **more,
    )
    return str(made["Id"])


def run(switches: Switches, definition: str, exposure: float) -> dict[str, Any]:
    of = {"ApplicationIdentifier": "syncwell", "ExperimentDefinitionIdentifier": definition}
    begun: dict[str, Any] = switches.api.start_experiment_run(ExposurePercentage=exposure, **of)
    return of | {"Run": begun["Run"]}


def test_an_experiment_should_hold_a_flag_on_that_is_deployed_off_until_it_is_stopped(switches: Switches) -> None:
    switches.deploy(document())
    switches.sleep(120)
    begun = run(switches, experiment(switches), 50.0)
    switches.sleep(120)
    switches.deploy(document(fitbit=False))
    switches.sleep(120)
    assert switches.seen_by()[FITBIT]["enabled"] is False  # without an entity nobody is treated
    assert 60 < switches.on() < 140
    (found,) = switches.api.list_experiment_definitions(Status="ACTIVE")["Items"]
    assert found["FlagKey"] == FITBIT
    switches.api.stop_experiment_run(**begun)
    switches.sleep(120)
    assert switches.on() == 0
    assert switches.api.get_experiment_run(**begun)["Status"] == "DONE"


def test_exposure_should_only_grow_and_one_run_be_on_a_flag(switches: Switches) -> None:
    switches.deploy(document(fitbit=False))
    switches.sleep(60)
    definition = experiment(switches)
    begun = run(switches, definition, 20.0)
    switches.sleep(120)
    few = switches.on()
    refused("ConflictException", run, switches=switches, definition=definition, exposure=5.0)
    refused("BadRequestException", switches.api.update_experiment_run, ExposurePercentage=10.0, **begun)
    switches.api.update_experiment_run(ExposurePercentage=80.0, **begun)
    switches.sleep(120)
    assert switches.on() > few + 50


def test_a_managed_deployment_should_take_a_number_so_that_an_older_look_is_refused(switches: Switches) -> None:
    latest = switches.deploy(document())
    switches.sleep(60)
    run(switches, experiment(switches), 10.0)
    switches.sleep(60)
    newest = switches.api.list_deployments(EnvironmentId=switches.environment, **switches.of)["Items"][0]
    assert (newest["Type"], newest["DeploymentNumber"]) == ("MANAGED", latest + 1)
    refused("ConflictException", switches.deploy, content=document(fitbit=False), LatestDeploymentNumber=latest)


@pytest.fixture
def alarm(client: Client) -> Any:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="partner-errors",
        Namespace="SyncWell",
        MetricName="PartnerErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    return lambda state: cloudwatch.set_alarm_state(AlarmName="partner-errors", StateValue=state, StateReason="test")


def test_a_monitor_whose_alarm_is_on_should_roll_the_switch_back(switches: Switches, alarm: Any) -> None:
    """The incident's own alarm undoes what is to end it."""
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:partner-errors"
    switches.api.update_environment(EnvironmentId=switches.environment, Monitors=[{"AlarmArn": arn}], **switches.of)
    switches.deploy(document())
    switches.sleep(120)
    alarm("ALARM")
    number = switches.deploy(document(fitbit=False), switches.strategy("baking", 1))
    switches.sleep(60)
    found = switches.state(number)
    assert found["State"] == "ROLLED_BACK"
    assert found["EventLog"][0]["TriggeredBy"] == "CLOUDWATCH_ALARM"
    switches.sleep(60)
    assert switches.on() == len(ENTITIES)


def test_an_environment_without_monitors_should_not_care_for_alarms(switches: Switches, alarm: Any) -> None:
    alarm("ALARM")
    switches.deploy(document(fitbit=False))
    switches.sleep(120)
    assert switches.on() == 0


def test_a_flag_or_a_profile_that_is_not_there_should_be_a_404(switches: Switches, empty: InProcess) -> None:
    switches.deploy(document())
    switches.sleep(60)
    base = "/appconfig-agent/us-east-1/applications/syncwell/environments/switches/configurations"
    assert empty.request("GET", f"{base}/flags?flag={FITBIT}")[1]["enabled"] is True
    assert empty.request("GET", f"{base}/flags?flag=nobody")[0] == 404
    assert empty.request("GET", f"{base}/nobody")[0] == 404
