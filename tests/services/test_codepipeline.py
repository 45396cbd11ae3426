"""A stage that a pipeline does not have is refused with its name."""

from __future__ import annotations

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.services import codepipeline


def test_a_stage_that_is_not_there_is_rejected(aws: Aws) -> None:
    assert codepipeline.transition(aws, "us-east-1", "syncwell-backend", "Deploy").open
    with pytest.raises(Rejected, match="syncwell-backend has no stage Shipping"):
        codepipeline.transition(aws, "us-east-1", "syncwell-backend", "Shipping")
