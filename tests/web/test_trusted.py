"""The client of the web pages, against a server that admits the operations of their manifest alone."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.live import ROOT, serving
from tests.missing import missing

WEB = ROOT / "web"
MANIFEST = WEB / "dist" / "persisted-documents.json"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_pages_work_where_their_own_operations_alone_are_trusted(tmp_path: Path) -> None:
    if not MANIFEST.exists():
        missing("the web pages are not built (make web)")
    with serving(tmp_path / "data", trusted_documents=str(MANIFEST)) as live:
        where = {
            "VITE_TRUSTING_SERVER": live.url.removesuffix("/graphql"),
            "NODE_OPTIONS": "--experimental-websocket",  # which Node.js 22 has by itself
        }
        done = subprocess.run(
            ["npx", "vitest", "run", "src/graphql/trusted.test.ts"],
            cwd=WEB,
            env={**os.environ, **where},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
