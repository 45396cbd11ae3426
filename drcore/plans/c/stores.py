"""The two stores as plan C acts on them: a client of each for a run, what they are called."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from drcore.engine.outcome import Target
from drcore.plans.c.facts import CRun
from drcore.services.appstore.client import AppStoreApp, AppStoreConnect
from drcore.services.play.client import Play, PlayApp

PLAY, APP_STORE = Target(thing="Google Play"), Target(thing="App Store")
BOTH = (PLAY, APP_STORE)

# A token of Google's holds for an hour: a run asks for one, not each look.
_PLAY: WeakKeyDictionary[CRun, Play] = WeakKeyDictionary()
_APPLE: WeakKeyDictionary[CRun, AppStoreConnect] = WeakKeyDictionary()


def both(run: CRun) -> tuple[Target, ...]:
    """A target for each store."""
    return BOTH


def google_play(run: CRun) -> Play:
    """The run's client of Google Play. Raises Unknown, Rejected where its key cannot be read."""
    if run not in _PLAY:
        at = run.facts.google_play
        app = PlayApp(at.publisher, at.reporting, at.tokens, at.package, run.secret(at.key))
        _PLAY[run] = Play(run.http, run.clock, app)
    return _PLAY[run]


def app_store(run: CRun) -> AppStoreConnect:
    """The run's client of App Store Connect. Raises Unknown, Rejected where its key cannot be read."""
    if run not in _APPLE:
        at = run.facts.app_store
        app = AppStoreApp(at.url, at.app, at.issuer, at.key_id, run.secret(at.key))
        _APPLE[run] = AppStoreConnect(run.http, run.clock, app)
    return _APPLE[run]
