"""The same text on Spark, for what is too large for one machine (docs/diff-on-spark.md).

The rows go over as Parquet, the answer comes back the same way; everything else is as with DuckDB.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from drcore.diff.duckdb_join import TEXT, Relations
from drcore.diff.source import Role
from drcore.errors import BadInput

HOW = "expected pyspark for --engine spark, found none: make spark, or pip install 'drcore[spark]'"
RELATIONS = (Role.RESTORED, Role.LIVE, "rules")


def judge(relations: Relations, shared: str = "") -> None:
    """Carry out the text on Spark: on the cluster that this was submitted to, else on two cores of this machine.

    `shared` is the URL of a folder that the executors of a cluster see too, such as s3://bucket/prefix.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise BadInput(HOW) from error
    local = relations.folder / "spark"
    local.mkdir()
    relations.write(local)
    running = SparkSession.getActiveSession()
    spark: Any = running or _session(SparkSession.builder, local)
    try:
        base = f"{shared.rstrip('/')}/{relations.folder.name}" if shared else local.resolve().as_uri()
        for name in RELATIONS:
            if shared:
                _files(spark, base).copyFromLocalFile(
                    *_paths(spark, local / f"{name}.parquet", f"{base}/{name}.parquet")
                )
            spark.read.parquet(f"{base}/{name}.parquet").createOrReplaceTempView(name)
        spark.sql(TEXT).write.parquet(f"{base}/judged")
        if shared:
            _files(spark, base).copyToLocalFile(*reversed(_paths(spark, local / "judged", f"{base}/judged")))
            _files(spark, base).delete(spark._jvm.org.apache.hadoop.fs.Path(base), True)
        relations.take(local / "judged")
    finally:
        if running is None:
            spark.stop()


def _session(builder: Any, local: Path) -> Any:
    builder = builder.appName("drcore diff").config("spark.ui.showConsoleProgress", "false")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # not by spark-submit, so nobody has said where to run
        settings = {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(local.resolve()),
            "spark.sql.warehouse.dir": str(local.resolve() / "warehouse"),
            "spark.sql.shuffle.partitions": "8",
        }
        builder = builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
    return builder.getOrCreate()


def _files(spark: Any, url: str) -> Any:
    """The file system of a URL, as the cluster is set up for it."""
    hadoop = spark._jvm.org.apache.hadoop.fs
    return hadoop.FileSystem.get(spark._jvm.java.net.URI(url), spark._jsc.hadoopConfiguration())


def _paths(spark: Any, local: Path, url: str) -> tuple[Any, Any]:
    path = spark._jvm.org.apache.hadoop.fs.Path
    return path(local.resolve().as_uri()), path(url)
