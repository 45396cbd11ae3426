"""A bad release of the app is what its fault says, in the stores and on the phones."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.sandbox.core.faults import Faults, UnknownFault
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.syncwell.company import app_stores
from drcore.sandbox.syncwell.company.app_stores import APP_STORE, NEW_APP, PLAY, AppVersion
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment
from drcore.sandbox.syncwell.life.mobile_users import MobileUsers
from drcore.sandbox.syncwell.truth import mobile
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.recovery import PlayRecoveries
from drcore.sandbox.vendors.googleplay.store import PlayStore
from drcore.sandbox.vendors.googleplay.vitals import PlayVitals
from tests.support.app_stores import set_up

NEW = str(AppVersion(NEW_APP).code)


@pytest.fixture
def stores(empty: InProcess) -> InProcess:
    """An account that has the stores only."""
    set_up(empty.world)
    mobile.tell(empty.world)
    return empty


def inject(sandbox: InProcess, name: str, **options: object) -> dict[str, Any]:
    """The truth, store by store, with a fault on."""
    sandbox.world.state(Faults).inject(name, options)
    assert sandbox.world.state(BadDeployment).broken.name == name
    return dict(sandbox.world.truth()["mobile"]["stores"])


def rate(store: dict[str, Any]) -> float:
    return float(store["crashed"].get(NEW, 0) / store["installs"][NEW])


def test_both_stores_should_have_the_stable_version_before(stores: InProcess) -> None:
    assert [release.codes for release in stores.world.state(PlayStore).offered()] == [(41000,)]
    live = stores.world.state(AppStore).live()
    assert live is not None and live.name == "4.10.0"
    assert stores.world.truth()["mobile"] is None
    for name in (app_stores.PLAY_SECRET, app_stores.APP_STORE_SECRET, app_stores.WEBHOOK_SECRET):
        for region in stores.world.regions:
            assert stores.world.client("secretsmanager", region).get_secret_value(SecretId=name)["SecretString"]


@pytest.mark.parametrize(
    ("name", "bad", "offered"),
    [
        ("mobile-crash", {PLAY}, {"41100": 0.2, "41000": 1.0}),
        ("play-edit-conflict", {PLAY}, {"41100": 0.2, "41000": 1.0}),
        ("play-change-in-review", {PLAY}, {"41100": 0.2, "41000": 1.0}),
        ("recovery-generation-failed", {PLAY}, {"41100": 0.2, "41000": 1.0}),
        ("play-fully-released", {PLAY}, {"41100": 1.0}),
        ("mobile-crash-ios", {APP_STORE}, {"41100": 0.2, "41000": 1.0}),
        ("ios-fully-released", {APP_STORE}, {"41100": 0.2, "41000": 1.0}),
        ("ios-no-crash-source", {APP_STORE}, {"41100": 0.2, "41000": 1.0}),
    ],
)
def test_a_release_should_crash_where_its_fault_says(
    stores: InProcess, name: str, bad: set[str], offered: dict[str, float]
) -> None:
    told = inject(stores, name)
    assert {store for store, each in told.items() if each["bad"] == [NEW]} == bad
    for store, each in told.items():
        assert (rate(each) > 0.01) is (store in bad)
    assert told[PLAY]["offered"] == offered


def test_data_should_be_lost_in_both_stores_without_a_crash(stores: InProcess) -> None:
    told = inject(stores, "mobile-data-loss", loses=0.05)
    for each in told.values():
        assert 0.04 < each["lost_data"][NEW] / each["installs"][NEW] < 0.06
        assert rate(each) < 0.002


def test_few_users_should_have_a_rate_that_is_noise(stores: InProcess) -> None:
    told = inject(stores, "mobile-crash-few-users")
    assert told[PLAY]["bad"] == told[APP_STORE]["bad"] == []
    hours = stores.world.state(PlayVitals).hours.values()
    counts = [hour[int(NEW)] for hour in hours if int(NEW) in hour]
    users, crashed = sum(each.users for each in counts), sum(each.crashed for each in counts)
    assert users < 4_000 and crashed / users > 0.001, "below 99.9 %, of fewer than prove it"


def test_the_console_should_come_between_so_many_times(stores: InProcess) -> None:
    inject(stores, "play-edit-conflict", conflicts=2)
    store = stores.world.state(PlayStore)
    version = store.version
    assert store.before_commit is not None
    for _ in range(3):
        store.before_commit()
    assert store.version == version + 2
    stores.world.state(Faults).clear("play-edit-conflict")
    assert store.before_commit is None


def test_a_hotfix_should_wait_for_its_review(stores: InProcess) -> None:
    inject(stores, "play-change-in-review")
    assert [release.body["name"] for release in stores.world.state(PlayStore).in_review()] == ["4.11.1"]


def test_a_full_release_on_ios_should_have_nothing_to_pause(stores: InProcess) -> None:
    inject(stores, "ios-fully-released")
    live = stores.world.state(AppStore).live()
    assert live is not None and (live.name, live.phase) == (NEW_APP, None)


def test_a_recovery_should_fail_until_the_fault_is_cleared(stores: InProcess) -> None:
    inject(stores, "recovery-generation-failed")
    recoveries = stores.world.state(PlayRecoveries)
    assert recoveries.fails
    stores.world.state(Faults).clear()
    assert not recoveries.fails


def test_ios_should_have_no_crashes_in_the_export(stores: InProcess) -> None:
    inject(stores, "ios-no-crash-source")
    listed = stores.world.client("cloudwatch", "us-west-2").list_metrics(Namespace="SyncWell/Mobile")["Metrics"]
    platforms = {each["Value"] for metric in listed for each in metric["Dimensions"] if each["Name"] == "Platform"}
    assert platforms == {PLAY}
    stores.world.state(Faults).clear()
    assert APP_STORE in stores.world.state(MobileUsers).exported


def test_a_second_release_should_be_refused(stores: InProcess) -> None:
    inject(stores, "mobile-crash")
    with pytest.raises(UnknownFault, match="a world without mobile-crash"):
        stores.world.state(Faults).inject("mobile-crash-ios", {})


@pytest.mark.parametrize(("option", "value"), [("hours", 0.5), ("hours", 49), ("share", 1), ("crashes", 1.5)])
def test_an_option_out_of_its_range_should_be_refused(stores: InProcess, option: str, value: float) -> None:
    with pytest.raises(UnknownFault, match=rf"options\.{option}: expected a number from"):
        stores.world.state(Faults).inject("mobile-crash", {option: value})
    assert not stores.world.state(MobileUsers).on
