"""Runs web/e2e in Chromium against a server of its own: ``python -m tests.web.browser [SHOTS]``."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from tests.dicom_files import dicom
from tests.live import ROOT, Live, free_port, serving
from tests.proxies import certified, proxy
from tests.radiographs import radiograph

WEB = ROOT / "web"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ADMIN, PASSWORD = "chief@hospital.example", "correct horse battery"
SECONDS = 1100
IMAGES = Path(os.environ.get("COVIDXR_TEST_IMAGES", ROOT.parent / "shared")) / "cxr"
FILMS = ("covid/covid-0002.jpg", "covid/covid-0004.jpg", "pneumonia/pneumonia-0001.jpg")


def what_is_missing() -> str | None:
    """What these tests need and this machine does not have."""
    if not Path(CHROMIUM).exists():
        return "no Chromium on this machine (Debian: apt-get install chromium)"
    if not (WEB / "node_modules" / "playwright-core").exists() or not (WEB / "dist" / "index.html").exists():
        return "the web pages are not built (make web)"
    return None if IMAGES.is_dir() else f"no images at {IMAGES}"


def run(folder: Path, *arguments: str, shots: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The tests' outcome and output; ``shots`` is where pictures of every page go."""
    drawn = folder / "drawn"
    drawn.mkdir()
    for seed in range(20):
        radiograph("covid", seed=seed).save(drawn / f"film-{seed}.jpg")
    (folder / "film.dcm").write_bytes(dicom())
    with serving(folder / "data", retrain_threshold="100000") as live:
        live.run("create-admin", ADMIN, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        where = {"COVIDXR_BROWSER_SERVER": live.url.removesuffix("/graphql")}
        return _tried(arguments, _environment(live, folder, shots) | where)


def run_over_tls(folder: Path, shots: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The same of ``secured.e2e.ts``, as others reach a server: by TLS, where signing up is discreet."""
    both, port = certified(folder), free_port()
    with proxy(Place(port), Place(port), CERTIFICATE=str(both)) as front:
        address = f"https://localhost:{front.port}"
        settings = {"public_url": address, "trusted_proxies": "127.0.0.1", "discreet_sign_up": "true"}
        with serving(folder / "data", port=str(port), **settings) as live:
            where = {
                "COVIDXR_BROWSER_SERVER": address,
                "COVIDXR_BROWSER_TRUSTED": _key_of(folder / "certificate"),
                "NODE_EXTRA_CA_CERTS": str(folder / "certificate"),
            }
            while not front.in_service():
                time.sleep(0.1)
            return _tried(["e2e/secured.e2e.ts"], _environment(live, folder, shots) | where)


@dataclass(frozen=True)
class Place:
    """Where a server is going to listen."""

    port: int


def _key_of(certificate: Path) -> str:
    """The hash of a certificate's key, as Chromium is told to trust it."""
    key = load_pem_x509_certificate(certificate.read_bytes()).public_key()
    found = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(found).digest()).decode()


def _tried(arguments: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npx", "vitest", "run", "--config", "e2e/vitest.config.ts", *arguments],
        cwd=WEB,
        env=environment,
        text=True,
        timeout=SECONDS,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _environment(live: Live, folder: Path, shots: Path | None) -> dict[str, str]:
    films = [str(IMAGES / film) for film in FILMS]
    given = {
        "COVIDXR_CHROMIUM": CHROMIUM,
        "COVIDXR_BROWSER_MAILS": str(live.data_dir / "mail"),
        "COVIDXR_BROWSER_RADIOGRAPHS": ":".join(films),
        "COVIDXR_BROWSER_DRAWN": str(folder / "drawn"),
        "COVIDXR_BROWSER_DICOM": str(folder / "film.dcm"),
    }
    return {**os.environ, **given, **({"COVIDXR_BROWSER_SHOTS": str(shots)} if shots else {})}


def main() -> None:
    """Runs the tests and says what came of them."""
    if missing := what_is_missing():
        sys.exit(missing)
    shots = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        done = run(Path(folder), shots=shots)
    print(done.stdout)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
