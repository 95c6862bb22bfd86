"""The key that signs addresses, kept in the data folder or set."""

from pathlib import Path

import pytest

from api.secret_key import secret_of
from api.settings import Settings


def test_the_secret_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    secret = secret_of(Settings(data_dir=tmp_path))
    assert len(secret) == 32
    assert secret_of(Settings(data_dir=tmp_path)) == secret
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["secret.key", "secret.new"])
def test_a_secret_that_a_crash_has_left_empty_is_made_anew(tmp_path: Path, name: str) -> None:
    """Whoever knows that it is empty could sign addresses of any image."""
    (tmp_path / name).touch()
    assert len(secret_of(Settings(data_dir=tmp_path))) == 32
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_a_secret_that_is_set_is_kept_nowhere(tmp_path: Path) -> None:
    secret = "0123456789" * 4
    assert secret_of(Settings(data_dir=tmp_path, secret_key=secret)) == secret.encode()
    assert list(tmp_path.iterdir()) == []
