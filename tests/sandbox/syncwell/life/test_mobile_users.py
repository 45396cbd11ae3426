"""Who has which version follows from what the stores offer; what they live through shows late, and with chance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from drcore.sandbox.core.faults import Faults
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.syncwell.company import app_stores
from drcore.sandbox.syncwell.company.app_stores import APP_STORE, HOTFIX_APP, NEW_APP, PLAY, AppVersion, put_on_play
from drcore.sandbox.syncwell.life.mobile_users import DEVICES, STEP, MobileUsers
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.recovery import GENERATION, PlayRecoveries
from drcore.sandbox.vendors.googleplay.store import PlayStore
from drcore.sandbox.vendors.googleplay.vitals import PlayVitals
from tests.support.app_stores import set_up

NEW = AppVersion(NEW_APP).code
STABLE = AppVersion(app_stores.STABLE_APP).code
Break = Callable[..., MobileUsers]


@pytest.fixture
def broken(empty: InProcess) -> Break:
    """`broken("mobile-crash")`: an account that has the stores only, with that fault on."""
    set_up(empty.world)
    users = empty.world.state(MobileUsers)
    empty.world.on_tick(users.tick)

    def inject(name: str = "mobile-crash", **options: object) -> MobileUsers:
        empty.world.state(Faults).inject(name, options)
        return users

    return inject


def pass_hours(sandbox: InProcess, hours: float) -> None:
    """Let time pass as a run does."""
    sandbox.request("POST", "/_sandbox/clock", {"sleep": hours * 3600})


def well(users: MobileUsers) -> bool:
    return users.healthy_since is not None


def halt_play(sandbox: InProcess) -> None:
    sandbox.world.state(PlayStore).tracks["production"][0].body["status"] = "halted"


def test_nobody_should_live_before_a_fault_begins_them(broken: Break, empty: InProcess) -> None:
    users = empty.world.state(MobileUsers)
    pass_hours(empty, 2)
    assert users.stores[PLAY].devices == {STABLE: DEVICES[PLAY]}
    assert not empty.world.state(PlayVitals).hours


def test_a_share_of_android_should_take_a_staged_release_and_no_more(broken: Break, empty: InProcess) -> None:
    users = broken()
    pass_hours(empty, 24)
    store = users.stores[PLAY]
    assert 0.19 < store.devices[NEW] / sum(store.devices.values()) <= 0.202


def test_a_halt_should_stop_android_whole(broken: Break, empty: InProcess) -> None:
    users = broken()
    pass_hours(empty, 1)
    halt_play(empty)
    before = users.stores[PLAY].installs[NEW]
    crashed = users.stores[PLAY].crashed[NEW]
    pass_hours(empty, 12)
    assert users.stores[PLAY].installs[NEW] == before
    assert users.stores[PLAY].crashed[NEW] > crashed, "who has it keeps it"
    assert users.offers(PLAY) == {STABLE: 1.0}, "newcomers get the one before"


def test_a_pause_should_not_stop_who_visits_the_store(broken: Break, empty: InProcess) -> None:
    users = broken("mobile-crash-ios", hours=2)
    store = empty.world.state(AppStore)
    assert store.versions[0].phase is not None
    store.versions[0].phase.state, store.versions[0].phase.paused_at = "PAUSED", empty.world.clock.now()
    before = users.stores[APP_STORE].installs[NEW]
    pass_hours(empty, 6)
    visits = users.stores[APP_STORE].installs[NEW] - before
    assert 0.02 < visits / DEVICES[APP_STORE] < 0.04
    for territory in store.territories.values():
        territory.available, territory.changed = False, empty.world.clock.now()
    pass_hours(empty, 0.5)
    before = users.stores[APP_STORE].installs[NEW]
    pass_hours(empty, 6)
    assert users.stores[APP_STORE].installs[NEW] == before, "the app is off the store"


def test_no_device_should_get_lost(broken: Break, empty: InProcess) -> None:
    users = broken()
    put_on_play(empty.world, HOTFIX_APP)
    pass_hours(empty, 6)
    for name, store in users.stores.items():
        came = sum(store.devices.values()) - DEVICES[name]
        assert 0 < came < DEVICES[name] * 0.02, "newcomers, a few an hour"
        assert all(count >= 0 for count in store.devices.values())


def test_a_hotfix_should_take_the_bad_version_off_the_phones(broken: Break, empty: InProcess) -> None:
    users = broken()
    assert not well(users)
    halt_play(empty)
    pass_hours(empty, 1)
    assert not well(users), "nobody gets it any more, and nobody who has it gets anything better"
    put_on_play(empty.world, HOTFIX_APP)
    pass_hours(empty, 0.01)
    assert well(users)
    bad = users.stores[PLAY].devices[NEW]
    pass_hours(empty, 18)
    assert users.stores[PLAY].devices[NEW] < bad * 0.6
    assert users.stores[PLAY].crashed[AppVersion(HOTFIX_APP).code] < 100


def test_a_recovery_should_reach_devices_once_there_is_something_newer(broken: Break, empty: InProcess) -> None:
    users = broken()
    halt_play(empty)
    recoveries = empty.world.state(PlayRecoveries)
    action = recoveries.add({"versionList": {"versionCodes": [str(NEW)]}, "allUsers": {"isAllUsersRequested": True}})
    pass_hours(empty, 0.25)
    action.deployed = empty.world.clock.now()
    assert timedelta(hours=0.25) > GENERATION
    pass_hours(empty, 3)
    assert not action.recovered.get(NEW), "there is no newer version than the bad one"
    put_on_play(empty.world, HOTFIX_APP)
    bad = users.stores[PLAY].devices[NEW]
    curve = []
    for _ in range(4):
        pass_hours(empty, 2)
        curve.append(action.recovered[NEW])
    assert curve == sorted(curve) and curve[0] < curve[-1]
    assert users.stores[PLAY].devices[NEW] < bad * 0.2
    shown = recoveries.shown(action)["remoteInAppUpdateData"]["remoteAppUpdateDataPerBundle"]
    (mine,) = [each for each in shown if each["versionCode"] == str(NEW)]
    assert int(mine["recoveredDeviceCount"]) == curve[-1]
    assert int(mine["totalDeviceCount"]) == curve[-1] + users.stores[PLAY].devices[NEW]


def test_the_vitals_should_have_what_happened(broken: Break, empty: InProcess) -> None:
    users = broken()
    counts = [hour[NEW] for hour in empty.world.state(PlayVitals).hours.values()]
    crashed, active = sum(each.crashed for each in counts), sum(each.users for each in counts)
    assert crashed == users.stores[PLAY].crashed[NEW]
    assert crashed / active == pytest.approx(0.012, rel=0.15)


def test_the_export_should_be_late_and_have_each_store(broken: Break, empty: InProcess) -> None:
    broken()
    asked = {
        "Namespace": "SyncWell/Mobile",
        "MetricName": "CrashedUsers",
        "Period": 600,
        "Statistics": ["Sum", "SampleCount"],
    }
    now = empty.world.clock.now()
    found = {}
    for platform in (PLAY, APP_STORE):
        dimensions = [{"Name": "Platform", "Value": platform}, {"Name": "VersionCode", "Value": str(NEW)}]
        points = empty.world.client("cloudwatch", "us-west-2").get_metric_statistics(
            StartTime=now - timedelta(hours=3),
            EndTime=now,
            Dimensions=dimensions,
            **asked,
        )["Datapoints"]
        found[platform] = sorted(points, key=lambda point: point["Timestamp"])
    assert found[PLAY][-1]["Timestamp"] + STEP <= now - timedelta(minutes=20)
    crashed = {name: sum(point["Sum"] for point in points) for name, points in found.items()}
    users = {name: sum(point["SampleCount"] for point in points) for name, points in found.items()}
    assert crashed[PLAY] / users[PLAY] > 0.005 and crashed[APP_STORE] / users[APP_STORE] < 0.003


def test_two_worlds_of_a_seed_should_live_the_same(broken: Break, empty: InProcess) -> None:
    first = broken()
    pass_hours(empty, 3)
    second = InProcess(7)
    set_up(second.world)
    other = second.world.state(MobileUsers)
    second.world.on_tick(other.tick)
    second.world.state(Faults).inject("mobile-crash", {})
    pass_hours(second, 3)
    assert {n: s.devices for n, s in first.stores.items()} == {n: s.devices for n, s in other.stores.items()}
    assert {n: s.crashed for n, s in first.stores.items()} == {n: s.crashed for n, s in other.stores.items()}
