"""The sources of chance of this process, tied to the seed while one call is answered."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

from moto.moto_api._internal import mock_random


@contextmanager
def tied_to(purpose: str) -> Iterator[None]:
    """Let everything that the emulator draws (names, ARN suffixes, uuid4, salts) follow from `purpose`.

    `os.urandom` is replaced as well, because uuid4 and half of moto's services draw from it.
    """
    stream = random.Random(purpose)
    before, urandom = random.getstate(), os.urandom
    mock_random.seed(purpose)
    random.seed(purpose)
    os.urandom = stream.randbytes
    try:
        yield
    finally:
        os.urandom = urandom
        random.setstate(before)
