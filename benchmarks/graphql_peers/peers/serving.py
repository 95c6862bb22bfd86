"""Serves a peer on Python: uvicorn on uvloop and httptools, as ours, in one process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import uvicorn

from benchmarks.graphql_peers.peers.data import Data


def serve(packages: list[str], make: Callable[..., Any]) -> None:
    """Say which versions these are, and serve what ``make`` gives until told to end.

    The only argument of the process is a JSON object: ``port``, ``database`` and ``folder``, and what else
    ``make`` takes besides the data.
    """
    job = json.loads(sys.argv[1])
    data = Data(job.pop("database"), job.pop("folder"))
    port = job.pop("port")
    app = make(data, **job)
    print(json.dumps({package: version(package) for package in packages}), flush=True)
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)
