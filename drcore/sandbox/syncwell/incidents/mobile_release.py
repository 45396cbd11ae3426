"""The ways in which a release of the app goes wrong (plan C).

A bad release is not undone by clearing its fault: only the stores' levers stop it, and only a newer version takes it
off the phones. What clearing undoes is what a fault does to the stores themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from drcore.sandbox.core.faults import Option, Options, Undo, UnknownFault, fault
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.company.app_stores import (
    APP_STORE,
    HOTFIX_APP,
    NEW_APP,
    PLAY,
    AppVersion,
    MobileReleases,
    put_on_app_store,
    put_on_play,
)
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment, Broken, refuse_second
from drcore.sandbox.syncwell.life.mobile_users import HEALTHY, AppBehavior, MobileUsers
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.recovery import PlayRecoveries
from drcore.sandbox.vendors.googleplay.store import IN_REVIEW, PlayStore

FEW = 0.002
"""The share of users for whom a staged release is too new for a rate to mean anything."""

OPTIONS: Mapping[str, Option] = {
    "hours": Option(default=20.0, help="how many hours ago 4.11.0 was released", least=1, most=48),
    "share": Option(default=0.2, help="the share of Android's users who are offered it", least=0.0001, most=0.9999),
    "review_minutes": Option(
        default=0.0, help="how long a review takes in each store; 0: two hours at Google, five at Apple", most=10_000
    ),
    "update_hours": Option(
        default=6.0,
        help="how long it takes from now on, on average, until a device updates by itself",
        least=0.1,
        most=240,
    ),
    "schema_changed": Option(
        default=False, help="4.11.0 has changed the local database, so that older code cannot read it"
    ),
    "crashes": Option(default=0.012, help="the chance that it crashes in an hour of use where it is bad", most=1),
}


@fault("mobile-crash", options=OPTIONS)
def mobile_crash(world: World, options: Options) -> None:
    """4.11.0 crashes on Android; it is offered to a fifth of its users. On iOS it is good."""
    _crash_on_android(world, "mobile-crash", options)


@fault("mobile-crash-ios", options=OPTIONS)
def mobile_crash_ios(world: World, options: Options) -> None:
    """4.11.0 crashes on iOS, on the first days of its phased release. On Android it is good."""
    _release(world, "mobile-crash-ios", options, {APP_STORE: AppBehavior(crashes=options["crashes"])})


@fault(
    "mobile-data-loss",
    options={**OPTIONS, "loses": Option(default=0.03, help="the share of devices that lose local data by the update")},
)
def mobile_data_loss(world: World, options: Options) -> None:
    """4.11.0 loses what was not synced yet when it is put on, in both stores; it crashes no more than others."""
    bad = AppBehavior(HEALTHY, options["loses"])
    _release(world, "mobile-data-loss", options, {PLAY: bad, APP_STORE: bad})


@fault("mobile-crash-few-users", options=OPTIONS)
def mobile_crash_few_users(world: World, options: Options) -> None:
    """4.11.0 is as good as others, but hardly anybody has it on Android: two crashes by chance make its rate."""
    _release(world, "mobile-crash-few-users", {**options, "share": FEW}, {})
    world.state(MobileUsers).chance(PLAY, AppVersion(NEW_APP).code, 2)


@fault(
    "play-edit-conflict",
    options={**OPTIONS, "conflicts": Option(default=2, help="how many commits meet somebody in the Console")},
)
def play_edit_conflict(world: World, options: Options) -> Undo:
    """As mobile-crash, and somebody changes the app in the Console whenever an edit is to be committed, a few times."""
    _crash_on_android(world, "play-edit-conflict", options)
    store, left = world.state(PlayStore), [int(options["conflicts"])]

    def meddle() -> None:
        if left[0] > 0:
            left[0] -= 1
            store.touch("the Console")

    store.before_commit = meddle
    return _undo(store)


@fault("play-change-in-review", options=OPTIONS)
def play_change_in_review(world: World, options: Options) -> None:
    """As mobile-crash, and the hotfix 4.11.1 waits for its review, which a commit with Google's defaults cancels."""
    _crash_on_android(world, "play-change-in-review", options)
    put_on_play(world, HOTFIX_APP, state=IN_REVIEW)


@fault("play-fully-released", options=OPTIONS)
def play_fully_released(world: World, options: Options) -> None:
    """As mobile-crash, but 4.11.0 was released to everybody on Android."""
    _release(world, "play-fully-released", options, {PLAY: AppBehavior(options["crashes"])}, everybody=PLAY)


@fault("ios-fully-released", options=OPTIONS)
def ios_fully_released(world: World, options: Options) -> None:
    """As mobile-crash-ios, but 4.11.0 was released to everybody on iOS: there is nothing to pause."""
    _release(world, "ios-fully-released", options, {APP_STORE: AppBehavior(options["crashes"])}, everybody=APP_STORE)


@fault("ios-no-crash-source", options=OPTIONS)
def ios_no_crash_source(world: World, options: Options) -> Undo:
    """As mobile-crash-ios, and the export of crash reports has nothing of iOS: whether it crashes is not known."""
    users = world.state(MobileUsers)
    users.exported.discard(APP_STORE)
    _release(world, "ios-no-crash-source", options, {APP_STORE: AppBehavior(options["crashes"])})
    return lambda: users.exported.add(APP_STORE)


@fault("recovery-generation-failed", options=OPTIONS)
def recovery_generation_failed(world: World, options: Options) -> Undo:
    """As mobile-crash, and Google fails to generate what a recovery action needs."""
    _crash_on_android(world, "recovery-generation-failed", options)
    recoveries = world.state(PlayRecoveries)
    recoveries.fails = True

    def generate() -> None:
        recoveries.fails = False

    return generate


def _crash_on_android(world: World, name: str, options: Options) -> None:
    _release(world, name, options, {PLAY: AppBehavior(crashes=options["crashes"])})


def _release(world: World, name: str, options: Options, bad: Mapping[str, AppBehavior], *, everybody: str = "") -> None:
    """Release 4.11.0 some hours ago in both stores, and tell what its users have lived through since."""
    refuse_second(world, name)
    users, now, code = world.state(MobileUsers), world.clock.now(), AppVersion(NEW_APP).code
    if users.on:
        raise UnknownFault(f"name: expected a world whose app was not released anew; saw {name} on top of it")
    began = (now - timedelta(hours=options["hours"])).replace(second=0, microsecond=0)
    began -= timedelta(minutes=began.minute % 10)
    if options["review_minutes"]:
        _review(world, timedelta(minutes=options["review_minutes"]))
    schema = 7 + bool(options["schema_changed"])
    world.state(MobileReleases).record(NEW_APP, "candidate", local_schema=schema, released=began)
    for store, behavior in bad.items():
        users.stores[store].behavior[code] = behavior
    with world.clock.at(began):
        put_on_play(world, NEW_APP, None if everybody == PLAY else float(options["share"]))
        put_on_app_store(world, NEW_APP, phased=everybody != APP_STORE)
    world.state(BadDeployment).broken = Broken(name, now, began)
    users.begin(began)
    users.update = timedelta(hours=options["update_hours"])


def _review(world: World, lasts: timedelta) -> None:
    """Let reviews take so long in both stores, half of it waiting at Apple's."""
    apple = world.state(AppStore)
    world.state(PlayStore).review, apple.waiting, apple.review = lasts, lasts / 2, lasts / 2


def _undo(store: PlayStore) -> Callable[[], None]:
    def alone() -> None:
        store.before_commit = None

    return alone
