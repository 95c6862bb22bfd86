"""The settings, read once from `COVIDXR_…`; other rooms receive plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from store.database import sqlite_url


class Settings(BaseSettings):
    """Everything an operator can set; the README explains each."""

    model_config = SettingsConfigDict(env_prefix="COVIDXR_", frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    data_dir: Path = Path("data")
    database_url: str = ""
    blobs_url: str = ""
    events_url: str = "memory://"
    smtp_url: str | None = None
    mail_from: str = "COVID-XR <covid-xr@localhost>"
    public_url: str = ""
    retrain_threshold: int = Field(50, ge=1)
    retrain_epochs: int = Field(20, ge=1, le=1000)
    device: Literal["auto", "cpu", "gpu"] = "auto"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().resolve()

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        return _with_scheme(url, "sqlite://", "mysql://")

    @field_validator("blobs_url")
    @classmethod
    def _known_blobs(cls, url: str) -> str:
        return _with_scheme(url, "file://", "s3://")

    @field_validator("events_url")
    @classmethod
    def _known_events(cls, url: str) -> str:
        return _with_scheme(url, "memory://")

    @field_validator("smtp_url")
    @classmethod
    def _known_mail(cls, url: str | None) -> str | None:
        return _with_scheme(url, "smtp://", "smtps://") if url else None

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if value != ""}

    @property
    def database(self) -> str:
        """The database's URL: a SQLite file in the data folder unless set."""
        return self.database_url or sqlite_url(self.data_dir / "covid-xr.sqlite")

    @property
    def blobs(self) -> str:
        """The blob store's URL: a folder in the data folder unless set."""
        return self.blobs_url or f"file://{self.data_dir / 'blobs'}"

    @property
    def address(self) -> str:
        """Where people reach the platform, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def _with_scheme(url: str, *schemes: str) -> str:
    if url and not url.startswith(schemes):
        raise ValueError(f"begins with {' or '.join(schemes)}")
    return url
