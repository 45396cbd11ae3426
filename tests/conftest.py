"""What holds for all tests."""

import signal
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.exhaustive import EXHAUSTIVE
from tests.support.scheduling import by_what_they_share, place_of, sampled

# A change lands or not for what it is, never for what chance tried that day, nor for how quick the machine was. Chance
# goes on trying where everything is to be proved.
settings.register_profile(
    "anywhere", derandomize=not EXHAUSTIVE, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anywhere")


# A shell that runs the tests in the background has them ignore these, and all that they start would inherit that: a
# test that sends one would wait for ever.
if threading.current_thread() is threading.main_thread():
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    kept, out = sampled(items, config)
    config.hook.pytest_deselected(items=out)
    items[:] = kept
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return by_what_they_share(config, log)
