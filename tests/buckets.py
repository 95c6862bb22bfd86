"""An S3 server of the tests' own: moto, in an environment of its own, which `make test` sets up."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from tests.live import ROOT, free_port
from tests.missing import missing

MOTO = ROOT / ".venv-s3" / "bin" / "moto_server"
START_SECONDS = 60


class S3Server:
    """Where it listens, and what the environment has to say of it."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "of the tests",
            "AWS_SECRET_ACCESS_KEY": "of the tests",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def make_bucket(self, name: str = "") -> str:
        """The URL of an empty one, by default of a name that nobody has."""
        name = name or f"bucket-{uuid4().hex[:12]}"
        assert self._ask("PUT", f"/{name}") == 200
        return f"s3://{name}"

    def answers(self) -> bool:
        try:
            return self._ask("GET", "/") == 200
        except OSError:
            return False

    def _ask(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path)
        status = connection.getresponse().status
        connection.close()
        return status


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server as long as the context lasts; skips by name, or fails under CI, where it is not set up."""
    if not MOTO.exists():
        missing("no S3 server: `make test` sets one up in .venv-s3")
    server = S3Server(free_port())
    command = [str(MOTO), "-H", "127.0.0.1", "-p", str(server.port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not server.answers():
                assert process.poll() is None, "the S3 server has ended"
                assert time.monotonic() < deadline, "the S3 server has not started"
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()
