"""What holds for all tests."""

from hypothesis import HealthCheck, settings

from tests.support.exhaustive import EXHAUSTIVE

# A change lands or not for what it is, never for what chance tried that day, nor for how quick the machine was. Chance
# goes on trying where everything is to be proved.
settings.register_profile(
    "anywhere", derandomize=not EXHAUSTIVE, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anywhere")
