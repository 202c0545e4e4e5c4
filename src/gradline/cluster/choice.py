"""Which engine is meant: a name, or a client or session of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gradline.errors import OptionError

if TYPE_CHECKING:
    from gradline.cluster.engine import Cluster

ENGINES = ("dask", "ray", "spark")


def is_local(engine: Any) -> bool:
    """Whether this process is to read the rows itself."""
    return isinstance(engine, str) and engine == "local"


@contextmanager
def opened(engine: Any, address: str | None = None) -> Iterator[Cluster | None]:
    """The engine for as long as it is needed; None for "local". What is started here is ended here.

    Args:
        engine: "local", "dask", "ray" or "spark": with an address the cluster there, else the client, connection or
            session that this process has, else one of this machine. Or a client of dask.distributed, or a session of
            Spark.
        address: tcp://host:8786 of a Dask scheduler, ray://host:10001 or host:6379 of a Ray cluster, spark://host:7077
            or another master of Spark.

    Raises:
        OptionError: there is no such engine, or its package is not installed.
        ClusterError: nobody answers there.
    """
    if is_local(engine):
        if address is not None:
            raise OptionError('address= is that of a cluster, and engine is "local".\nGive engine="dask", for one.')
        yield None
        return
    from gradline.cluster.engine import Cluster

    if isinstance(engine, Cluster):
        yield engine
    elif isinstance(engine, str):
        if engine not in ENGINES:
            raise OptionError(f'engine is "local", "dask", "ray" or "spark", or a client or session, not {engine!r}.')
        with import_module(f"gradline.cluster.{engine}").opened(address) as adapter:
            yield Cluster(adapter)
    else:
        yield Cluster(_own(engine))


def _own(engine: Any) -> Any:
    """The adapter of an object."""
    roots = {base.__module__.partition(".")[0] for base in type(engine).__mro__}
    if "distributed" in roots and hasattr(engine, "submit"):
        from gradline.cluster.dask import Dask

        return Dask(engine)
    if "pyspark" in roots and hasattr(engine, "sparkContext" if hasattr(engine, "_jsparkSession") else "sql"):
        from gradline.cluster.spark import Spark

        return Spark(engine)
    raise OptionError(
        f"engine is a {type(engine).__name__}.\n"
        'Expected "local", "dask", "ray", "spark", a client of dask.distributed or a session of Spark.'
    )
