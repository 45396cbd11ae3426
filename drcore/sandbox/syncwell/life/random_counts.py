"""Counts drawn from chance, the same in every run: how many requests came, how many failed."""

import math
import random


def arrivals(stream: random.Random, expected: float) -> int:
    """How many events happen when `expected` (>= 0) are expected."""
    if expected > 30:
        return max(0, round(stream.gauss(expected, math.sqrt(expected))))
    limit, product, count = math.exp(-expected), stream.random(), 0
    while product > limit:
        product *= stream.random()
        count += 1
    return count


def hits(stream: random.Random, trials: int, share: float) -> int:
    """How many of `trials` happen when each does with probability `share`."""
    if share <= 0 or trials <= 0:
        return 0
    if share >= 1:
        return trials
    if share > 0.5:
        return trials - hits(stream, trials, 1 - share)
    expected = trials * share
    if expected > 30:
        return min(trials, max(0, round(stream.gauss(expected, math.sqrt(expected * (1 - share))))))
    return min(trials, arrivals(stream, expected))
