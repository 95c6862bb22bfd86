"""The settings, read once from `COVIDXR_…`; other rooms receive plain values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.logs import Form, Level
from events.jetstream import address_of
from store.database import sqlite_url
from store.tls import AUTHORITY, authority, trusting

PREFIX = "COVIDXR_"
IN_PROCESS = "memory://"
READ_ELSEWHERE = {"ADMIN_PASSWORD"}
FOR_TESTS = "TEST_"


class Settings(BaseSettings):
    """Everything an operator can set; the README explains each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    health_port: int | None = Field(None, ge=0, le=65535)
    data_dir: Path = Path("data")
    database_url: str = ""
    blobs_url: str = ""
    secret_key: str | None = Field(None, min_length=32)
    events_url: str = IN_PROCESS
    events_kept_days: int = Field(90, ge=1, le=36500)
    retention_days: int = Field(0, ge=0, le=36500)
    smtp_url: str | None = None
    mail_from: str = "COVID-XR <covid-xr@localhost>"
    public_url: str = ""
    retrain_threshold: int = Field(50, ge=1)
    retrain_epochs: int = Field(20, ge=1, le=1000)
    admin_second_factor: bool = False
    discreet_sign_up: bool = False
    session_idle_hours: float = Field(24, gt=0, le=336)
    metrics_token: str | None = Field(None, min_length=16)
    allowed_origins: str = ""
    trusted_documents: Path | None = None
    points_per_minute: int = Field(60_000, ge=0)
    queue_limit: int = Field(10_000, ge=0)
    trusted_proxies: str = ""
    drain_seconds: float = Field(0, ge=0, le=3600)
    log_format: Form = "text"
    log_level: Level = "info"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    default_model: Path | None = None

    @field_validator("data_dir", "default_model", "trusted_documents")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and path.expanduser().resolve()

    @field_validator("trusted_documents")
    @classmethod
    def _a_file(cls, path: Path | None) -> Path | None:
        try:
            if path:
                path.open("rb").close()
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        return path

    @field_validator("default_model")
    @classmethod
    def _a_folder(cls, path: Path | None) -> Path | None:
        if path and not path.is_dir():
            remedy = "leave it unset until `covidxr default-model --out` has made one"
            raise ValueError(f"{path} is no folder: {remedy}")
        return path

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url.endswith(":memory:"):
            raise ValueError("a database that ends with its connection keeps nothing: name a file")
        _checked(url, files=("sqlite://",), servers=("mysql://",))
        if url.startswith("mysql://") and not urlsplit(url).path.strip("/"):
            raise ValueError("names no database: mysql://USER:PASSWORD@HOST:PORT/NAME")
        if url.startswith("mysql://") and {"user", "password"} & parse_qs(urlsplit(url).query).keys():
            raise ValueError("user and password stand before the host: mysql://USER:PASSWORD@HOST:PORT/NAME")
        if url.startswith("mysql://") and (file := authority(url)):
            _trusted(file)
        return url

    @field_validator("blobs_url")
    @classmethod
    def _known_blobs(cls, url: str) -> str:
        return _checked(url, files=("file://",), servers=("s3://",))

    @field_validator("events_url")
    @classmethod
    def _known_events(cls, url: str, others: ValidationInfo) -> str:
        if url == IN_PROCESS:
            return url
        address_of(url)
        alone = [name for name in ("blobs_url", "secret_key") if not others.data.get(name, "set, and wrong")]
        if not str(others.data.get("database_url", "mysql://")).startswith("mysql://"):
            alone.insert(0, "database_url")
        if alone:
            names = " and ".join(f"{PREFIX}{name.upper()}" for name in alone)
            of_server = " (the database is a server's: mysql://…)" if "database_url" in alone else ""
            raise ValueError(f"is shared by processes: set {names} for all of them{of_server}")
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

    @field_validator("allowed_origins")
    @classmethod
    def _known_origins(cls, origins: str) -> str:
        return ",".join(map(_origin, filter(None, origins.split(","))))

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_or_networks(cls, proxies: str) -> str:
        for proxy in proxies.split(",") if proxies else ():
            ip_network(proxy.strip())
        return proxies

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
    def database_file(self) -> Path | None:
        """Where the database is, if it is a file."""
        return _path_in(self.database, "sqlite://")

    @property
    def blobs_folder(self) -> Path | None:
        """Where the blobs are, if they are files."""
        return _path_in(self.blobs, "file://")

    @property
    def retained(self) -> timedelta | None:
        """How long what nobody uses is kept; None is for ever."""
        return timedelta(days=self.retention_days) if self.retention_days else None

    @property
    def idle(self) -> timedelta:
        """How long a session lasts that is not used."""
        return timedelta(hours=self.session_idle_hours)

    @property
    def scales_out(self) -> bool:
        """Whether processes share the work: servers answer, workers predict and train."""
        return self.events_url != IN_PROCESS

    @property
    def keeps_files(self) -> bool:
        """Whether the database or the blobs are files of one server alone, which works on them at a time."""
        return bool(self.database_file or self.blobs_folder) and not self.scales_out

    @property
    def other_origins(self) -> tuple[str, ...]:
        """The origins besides our own whose pages may use the platform."""
        return tuple(filter(None, self.allowed_origins.split(",")))

    @property
    def own_origin(self) -> str:
        """The origin of our own pages, as browsers see it."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def address(self) -> str:
        """Where people reach the platform, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def _path_in(url: str, scheme: str) -> Path | None:
    return Path(url.removeprefix(scheme)).absolute() if url.startswith(scheme) else None


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
    if url.startswith(servers) and not (parts.hostname and _port_of(parts) != 0):
        raise ValueError("names no host and port")
    if url.startswith(files) and not url.partition("://")[2]:
        raise ValueError("names no file")
    return url


def _trusted(file: str) -> None:
    """Look whether an authority's file can be used.

    Raises:
        ValueError: it cannot.
    """
    try:
        trusting(file)
    except OSError as error:
        raise ValueError(f"{AUTHORITY}: {error}") from error


def _origin(given: str) -> str:
    """An origin as browsers write it.

    Raises:
        ValueError: it is none.
    """
    origin = _checked(given.strip().rstrip("/"), servers=("http://", "https://")).lower()
    parts = urlsplit(origin)
    if "*" in origin or "@" in origin or origin != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("is a list of origins with commas between them: https://HOST[:PORT],…")
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    return origin.removesuffix(usual)


def _port_of(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:  # its own message would show a password that holds a slash
        raise ValueError(
            "its port is no number; in a password write / as %2F, ? as %3F and # as %23"
        ) from error


def complaints(error: ValidationError) -> Iterator[str]:
    """What is wrong with the settings, a line each."""
    for wrong in error.errors():
        setting = PREFIX + "_".join(str(part) for part in wrong["loc"]).upper()
        yield f"{setting}: {wrong['msg'].removeprefix('Value error, ')}"


def unknown_settings() -> Iterator[str]:
    """What looks like a setting in the environment and is none, a line each with the nearest one."""
    known = {name.upper() for name in Settings.model_fields} | READ_ELSEWHERE
    for variable in sorted(os.environ):
        prefix, name = variable[: len(PREFIX)].upper(), variable[len(PREFIX) :].upper()
        if prefix == PREFIX and name not in known and not name.startswith(FOR_TESTS):
            nearest = get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {PREFIX}{nearest[0]}?" if nearest else "the README lists those that there are."
            )
            yield f"{variable} is no setting and is ignored: {hint}"
