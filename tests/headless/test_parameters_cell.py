"""A notebook's parameters are the plain assignments of one cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.headless.parameters_cell import Parameter, parameter_names
from tests.support.notebook_runs import write


def test_parameter_names_should_be_what_the_parameters_cell_declares(tmp_path: Path) -> None:
    text = """#parameters mode = "rehearse"  # rehearse, drill or execute
# the region
# that failed
region: str = "us-east-1"
limits = {
    "a": 1,
}  # per region
print(mode)"""
    assert parameter_names(write(tmp_path, "x = 1", text)) == {
        "mode": Parameter("mode", '"rehearse"', "rehearse, drill or execute"),
        "region": Parameter("region", '"us-east-1"', "the region that failed"),
        "limits": Parameter("limits", '{\n    "a": 1,\n}', "per region"),
    }
    assert parameter_names(write(tmp_path, "x = 1")) == {}


@pytest.mark.parametrize("text", ["#parameters x = ", "#parameters %magic"])
def test_parameter_names_should_refuse_a_cell_that_is_not_plain(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="plain parameters cell"):
        parameter_names(write(tmp_path, text))
