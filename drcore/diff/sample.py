"""A random sample of keys that both sides choose alike, with what it proves.

Chosen by the hash of the key, not by segment: the items of a segment lie beside each other, a cluster and no sample.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Iterable

from drcore.diff.items import Item
from drcore.diff.keys import key_bytes
from drcore.errors import BadInput

CONFIDENCE = 0.95


def choose(keys: Iterable[Item], n: int, salt: str = "") -> list[Item]:
    """`n` keys at random, the same ones on every side and in every order of `keys`."""
    return heapq.nsmallest(n, keys, key=lambda key: _rank(key, salt))


def bound(defects: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Between which shares the true one lies, seen `defects` in a sample of `n` (Clopper-Pearson).

    With no defect, or nothing but defects, the bound is one-sided: for none in 2,995 it is 0.1 %.
    """
    if not 0 <= defects <= n or n == 0:
        raise BadInput(f"expected 0 to n defects in a sample of n, seen {defects} in {n}")
    doubt = 1 - confidence
    if defects == 0:
        return 0.0, 1 - doubt ** (1 / n)
    if defects == n:
        return doubt ** (1 / n), 1.0
    low = _solve(lambda share: 1 - _at_most(defects - 1, n, share), doubt / 2)
    high = _solve(lambda share: -_at_most(defects, n, share), -doubt / 2)
    return low, high


def size_for(share: float, confidence: float = CONFIDENCE) -> int:
    """How many items without a defect show that fewer than `share` have one."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - share))


def _rank(key: Item, salt: str) -> bytes:
    return hashlib.blake2b(key_bytes(key), digest_size=16, key=salt.encode()[:64]).digest()


def _at_most(defects: int, n: int, share: float) -> float:
    """The chance of at most so many defects in n, by logarithms, as the factors leave the range of a float."""
    if share <= 0 or share >= 1:
        return float(share <= 0)
    base, yes, no = math.lgamma(n + 1), math.log(share), math.log1p(-share)
    terms = (base - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * yes + (n - k) * no for k in range(defects + 1))
    return min(1.0, math.fsum(map(math.exp, terms)))


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2
