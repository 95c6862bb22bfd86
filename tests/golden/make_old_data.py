"""Makes data-NNNN.tar.xz: the data folder of an older version and a backup of it, both by its own code.

    .venv/bin/python tests/golden/make_old_data.py a158a50

That commit is checked out elsewhere for as long as it takes, and `fill` runs there, on its stand-ins and in
the environment of this tree. NNNN is its last migration. `tests/test_upgrade.py` starts the code of now on
what came of it; with a release, an archive of the release before takes the place of the older one.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

CHIEF, ANA, OUT = "chief@hospital.example", "ana@hospital.example", "out@hospital.example"
PASSWORD = "forty-two brass lanterns"
"""Of all three."""
TREE = Path(__file__).parents[2]


def made_up(number: int) -> bytes:
    """A PNG of 30 squares around a brightness, dark ones for 0 and bright ones for 9: no film, and small."""
    import numpy as np
    from PIL import Image

    squares = np.random.default_rng(number).integers(-20, 20, (5, 6)) + 30 + 20 * number
    buffer = BytesIO()
    Image.fromarray(np.kron(squares, np.ones((16, 16))).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


async def fill(folder: Path) -> None:
    """A little of everything, as people do it: by the use cases of the version whose code is found here."""
    from api.settings import Settings
    from api.wiring import running
    from store.database import atomically, open_database
    from store.tables import Evidence, Finding, FindingChange, OutboxEvent, User
    from tests import runs, stand_ins
    from tests.people import eventually
    from tests.trails import sealed
    from tests.uploading import upload

    post = stand_ins.Pigeonhole()
    settings = Settings(data_dir=folder, retrain_threshold=1000)
    async with running(settings, stand_ins.parts(post=post)) as platform:
        accounts, labelling = platform.accounts, platform.labelling
        chief = await accounts.create_admin(CHIEF, PASSWORD)
        for email in (ANA, OUT):
            await accounts.sign_up(email, PASSWORD, email.partition("@")[0].title(), "es")

        async def mailed() -> bool:
            return len(post.letters) == 2

        await eventually(mailed)
        for letter in post.letters:
            (token,) = re.findall(r"token=(\S+)", letter.body)
            await accounts.verify_email(token)
        _, ana = await accounts.sign_in(ANA, PASSWORD)
        out = await User.get(email=OUT)

        teaching, held_out = runs.patients(False)[0], runs.patients(True)[0]
        await upload(platform, ana, made_up(0), made_up(9))
        await upload(platform, ana, made_up(1), made_up(2), finding=Finding.NO_COVID, patient_ref=teaching)
        await upload(platform, ana, made_up(6), finding=Finding.NO_COVID, patient_ref=teaching)
        (corrected,) = await upload(platform, ana, made_up(7), finding=Finding.NO_COVID, patient_ref=teaching)
        await labelling.submit(chief, corrected.id, Finding.COVID, Evidence.RT_PCR)
        (gone,) = await upload(platform, ana, made_up(8), finding=Finding.COVID, patient_ref=held_out)
        await upload(platform, out, made_up(3), finding=Finding.COVID, patient_ref="another")
        await labelling.withdraw(chief, out.id, "made up")
        await platform.blocking.block(chief, out.id, "misuse")
        await platform.images.delete(ana, gone.id)

        await platform.retraining.request(chief)
        await runs.ended()
        await eventually(FindingChange.exists)
        await platform.retraining.policies.change(chief, {"threshold": 7})
        await platform.newsroom.publish(chief, "Novedades", "Hay un modelo nuevo: ñ, 日本.")
        await platform.contact.send("Rosa", "rosa@clinic.example", "A question", "Is it for diagnosis?")

        async def told() -> bool:
            return not await OutboxEvent.exists()

        await eventually(told)
        await sealed()
    async with open_database(settings.database):
        await atomically(waiting)


async def waiting() -> None:
    """What is committed, and neither told nor sealed by the time that the process ends."""
    from events.messages import NewsPublished
    from services.outbox import record
    from services.trail import note
    from store.tables import TrailKind

    await record(NewsPublished(1))
    await note(TrailKind.NEWS_DELETED, None, NewsPost=2)


def backed_up(folder: Path, to: Path) -> None:
    """By the command of the version whose code is found here."""
    environment = os.environ | {"COVIDXR_DATA_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "api.cli", "backup", str(to)], env=environment, check=True)


def main(commit: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        old, made = Path(name) / "tree", Path(name) / "made"
        git = ["git", "-C", str(TREE), "worktree"]
        subprocess.run([*git, "add", "--detach", str(old), commit], check=True)
        try:
            command = [sys.executable, __file__, "--fill", str(made)]
            clean = {name: value for name, value in os.environ.items() if not name.startswith("COVIDXR_")}
            subprocess.run(command, cwd=old, env=clean | {"PYTHONPATH": str(old)}, check=True)
            last = max(file.name[:4] for file in (old / "migrations").glob("0*.py"))
        finally:
            subprocess.run([*git, "remove", "--force", str(old)], check=True)
        target = Path(__file__).with_name(f"data-{last}.tar.xz")
        with tarfile.open(target, "w:xz", preset=9) as archive:
            for part in ("data", "backup"):
                archive.add(made / part, part, filter=nobodys)
        print(f"{target}: {target.stat().st_size} bytes")


def nobodys(file: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever made it is not told."""
    file.uid = file.gid = 0
    file.uname = file.gname = ""
    return file


if __name__ == "__main__":
    if sys.argv[1] == "--fill":
        here = Path(sys.argv[2])
        here.mkdir()
        asyncio.run(fill(here / "data"))
        backed_up(here / "data", here / "backup")
    else:
        main(sys.argv[1])
