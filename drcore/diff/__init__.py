"""Comparing two states of a table: which items differ, what that means, how to repair it.

    report = compare(TableSource(aws, region, "Restored"), TableSource(aws, region, "Live"), policy, out=folder)

One definition (drcore/diff/duckdb_join.sql) decides, in DuckDB here or in Spark for what does not fit on one machine.
"""

from drcore.diff.compare import compare
from drcore.diff.items import Change, changes, equal
from drcore.diff.policy import Class, Policy, judge
from drcore.diff.report import Difference, Report
from drcore.diff.source import ExportSource, Source, TableSource

__all__ = [
    "Change",
    "Class",
    "Difference",
    "ExportSource",
    "Policy",
    "Report",
    "Source",
    "TableSource",
    "changes",
    "compare",
    "equal",
    "judge",
]
