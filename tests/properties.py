"""How many examples hypothesis tries: few in the fast suite, many in `make test-slow`, fewer for each cell of a grid.

A property says nothing of it itself: the profile does, `quick` unless pytest is given `--hypothesis-profile=deep`.
"""

from hypothesis import HealthCheck, settings

# Fixtures of a test are the same for all its examples, which is meant; and a busy machine is no failure.
_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


def register_profiles() -> None:
    """Make both profiles known, and `quick` the one that is used."""
    settings.register_profile("quick", max_examples=25, **_SHARED)
    settings.register_profile("deep", max_examples=500, **_SHARED)
    settings.load_profile("quick")


def one_in(number: int) -> settings:
    """Settings for a property that is tried with many parameters: with each, this part of the profile's examples."""
    # The first example is the simplest there is, and says little.
    return settings(max_examples=max(2, settings.default.max_examples // number))
