"""Where jax keeps what it compiles, in a process whose environment does not say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pathlib import Path

import jax.numpy as jnp

from api.classifier import prepare_jax

prepare_jax(Path(sys.argv[1]), "cpu")
(jnp.arange(7.0) ** 2).sum().block_until_ready()
"""


def test_what_is_compiled_is_kept_in_the_data_folder(tmp_path: Path) -> None:
    """However soon it was compiled: that makes a second start one of seconds."""
    unset = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path)], env=unset, check=True)
    assert any(file.is_file() for file in (tmp_path / "cache").rglob("*"))
