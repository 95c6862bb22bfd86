"""The settings, read once from `COVIDXR_…`; other rooms receive plain values."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

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
        if url.endswith(":memory:"):
            raise ValueError("a database that ends with its connection keeps nothing: name a file")
        if url.startswith("mysql://") and not urlsplit(url).path.strip("/"):
            raise ValueError("names no database: mysql://USER:PASSWORD@HOST:PORT/NAME")
        return _checked(url, files=("sqlite://",), servers=("mysql://",))

    @field_validator("blobs_url")
    @classmethod
    def _known_blobs(cls, url: str) -> str:
        return _checked(url, files=("file://",), servers=("s3://",))

    @field_validator("events_url")
    @classmethod
    def _known_events(cls, url: str) -> str:
        if url != "memory://":
            raise ValueError("is memory://")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _known_mail(cls, url: str | None) -> str | None:
        return url and _checked(url, servers=("smtp://", "smtps://"))

    @field_validator("mail_from")
    @classmethod
    def _an_address(cls, sender: str) -> str:
        if "@" not in parseaddr(sender)[1] or not sender.isprintable():
            raise ValueError("is an address: NAME <USER@HOST>")
        return sender

    @field_validator("public_url")
    @classmethod
    def _known_to_browsers(cls, url: str) -> str:
        return _checked(url, servers=("http://", "https://"))

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
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def _checked(url: str, files: tuple[str, ...] = (), servers: tuple[str, ...] = ()) -> str:
    """The URL of a file or of a server, if it names one; blank is unset.

    Raises:
        ValueError: it does not, its scheme is another, or its port is no number.
    """
    if not url:
        return url
    if not url.startswith(files + servers):
        raise ValueError(f"begins with {' or '.join(files + servers)}")
    parts = urlsplit(url)
    if url.startswith(servers) and not (parts.hostname and parts.port != 0):
        raise ValueError("names no host and port")
    if url.startswith(files) and not url.partition("://")[2]:
        raise ValueError("names no file")
    return url
