"""Plan A's facts, in the parameters of each environment."""

import json
from pathlib import Path

from ruamel.yaml import YAML


def test_parameters_of_every_environment_should_have_the_same_fields() -> None:
    folder = Path(__file__).parents[3] / "parameters"
    trees = {path.parent.name: YAML(typ="safe").load(path) for path in folder.glob("*/a.yaml")}
    assert set(trees) == {"sandbox", "staging", "production"}
    assert {json.dumps(sorted(tree)) for tree in trees.values()} == {json.dumps(sorted(trees["sandbox"]))}
