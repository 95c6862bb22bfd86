"""Settings: what holds unless set, what is refused, and what a value means."""

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings, complaints, unknown_settings
from tests.live import ROOT


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the environment in which the tests happen to run."""
    for name in [name for name in os.environ if name.upper().startswith("COVIDXR_")]:
        monkeypatch.delenv(name)


def of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    """The settings of an environment: ``port="80"`` is ``COVIDXR_PORT=80``."""
    for name, value in environment.items():
        monkeypatch.setenv(f"COVIDXR_{name.upper()}", value)
    return Settings()


def test_without_any_the_platform_runs_on_this_machine_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert (settings.host, settings.port, settings.address) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert settings.data_dir == tmp_path / "data"
    assert settings.database == f"sqlite://{tmp_path}/data/covid-xr.sqlite"
    assert settings.blobs == f"file://{tmp_path}/data/blobs"
    assert settings.events_url == "memory://"
    assert settings.smtp_url is None
    assert (settings.retrain_threshold, settings.retrain_epochs, settings.device) == (50, 20, "auto")
    assert settings.default_model is None


def test_reads_every_setting_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "host": "0.0.0.0",
        "port": "9000",
        "health_port": "9001",
        "data_dir": f"{tmp_path}/x",
        "database_url": "mysql://root:@127.0.0.1:3306/covid",
        "blobs_url": "s3://bucket",
        "secret_key": "a secret of thirty-two characters or more",
        "events_url": "nats://127.0.0.1:4222",
        "events_kept_days": "30",
        "retention_days": "365",
        "smtp_url": "smtps://u:p@mail.example:465",
        "mail_from": "Lab <lab@h.example>",
        "public_url": "https://covid.example/",
        "retrain_threshold": "7",
        "retrain_epochs": "3",
        "admin_second_factor": "True",
        "discreet_sign_up": "True",
        "session_idle_hours": "12.0",
        "metrics_token": "a token of sixteen or more",
        "allowed_origins": "https://app.example,http://localhost:5173",
        "trusted_documents": f"{tmp_path}/manifest.json",
        "points_per_minute": "500",
        "queue_limit": "20",
        "trusted_proxies": "10.0.0.1, 192.168.0.0/16",
        "drain_seconds": "2.5",
        "log_format": "json",
        "log_level": "warning",
        "device": "gpu",
        "default_model": f"{tmp_path}/model",
    }
    assert given.keys() == Settings.model_fields.keys()
    (tmp_path / "manifest.json").touch()
    (tmp_path / "model").mkdir()
    settings = of(monkeypatch, **given)
    assert {name: str(getattr(settings, name)) for name in given} == given
    assert (settings.database, settings.blobs) == (given["database_url"], given["blobs_url"])
    assert settings.address == "https://covid.example"


def test_the_readme_lists_every_setting_and_no_other() -> None:
    cells = re.findall(r"^\| (`COVIDXR_.*?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    listed = re.findall(r"`COVIDXR_(\w+)`", " ".join(cells))
    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


def test_a_blank_one_is_as_good_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of(monkeypatch, **dict.fromkeys(Settings.model_fields, "")) == Settings.model_construct(
        data_dir=Path("data").resolve()
    )


WRONG = [
    ("port", "eighty"),
    ("port", "-1"),
    ("port", "65536"),
    ("database_url", "postgres://u@h/n"),
    ("database_url", "covid-xr.sqlite"),
    ("database_url", "sqlite://"),
    ("database_url", "sqlite://:memory:"),
    ("database_url", "mysql://u@host"),
    ("database_url", "mysql://u@host:port/name"),
    ("database_url", "mysql://u@host/name?ssl_ca="),
    ("database_url", "mysql://u@host/name?ssl_ca=/"),
    ("database_url", "mysql://u@host/name?ssl_ca=/dev/null"),
    ("database_url", "mysql://u@host/name?ssl=true"),
    ("blobs_url", "/srv/blobs"),
    ("blobs_url", "gs://bucket"),
    ("blobs_url", "s3://"),
    ("blobs_url", "file://"),
    ("secret_key", "short"),
    ("events_url", "redis://host"),
    ("events_url", "nats://"),
    ("events_url", "nats://127.0.0.1:4222"),
    ("smtp_url", "mail.example"),
    ("smtp_url", "http://mail.example"),
    ("smtp_url", "smtp://"),
    ("smtp_url", "smtp://mail.example:port"),
    ("mail_from", "nobody"),
    ("mail_from", "a@h.example\nBcc: b@h.example"),
    ("public_url", "covid.example"),
    ("public_url", "ftp://covid.example"),
    ("public_url", "https://"),
    ("allowed_origins", "*"),
    ("allowed_origins", "https://*.example"),
    ("allowed_origins", "app.example"),
    ("allowed_origins", "https://app.example/pages"),
    ("allowed_origins", "https://u@app.example"),
    ("allowed_origins", "https://app.example https://b.example"),
    ("retrain_threshold", "0"),
    ("retrain_threshold", "many"),
    ("retrain_epochs", "0"),
    ("device", "tpu"),
    ("trusted_documents", "/nowhere/manifest.json"),
    ("trusted_documents", "/"),
    ("default_model", "/nowhere/resnet"),
    ("default_model", "/dev/null"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, **{name: value})
    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


SHARED = {
    "database_url": "mysql://u:p@host/name",
    "blobs_url": "s3://bucket",
    "secret_key": "a secret of thirty-two characters or more",
    "events_url": "nats://host:4222/stream?replicas=3",
}


@pytest.mark.parametrize("unset", ["database_url", "blobs_url", "secret_key"])
def test_processes_that_share_events_share_all_else(monkeypatch: pytest.MonkeyPatch, unset: str) -> None:
    assert of(monkeypatch, **SHARED).scales_out
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, **SHARED | {unset: ""})
    (line,) = complaints(refused.value)
    assert line.startswith("COVIDXR_EVENTS_URL: ")
    assert f"set COVIDXR_{unset.upper()}" in line


def test_all_that_processes_must_share_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, events_url=SHARED["events_url"], port="eighty")
    port, events = complaints(refused.value)
    assert port.startswith("COVIDXR_PORT: ")
    assert events.startswith("COVIDXR_EVENTS_URL: ")
    for name in SHARED.keys() - {"events_url"}:
        assert f"COVIDXR_{name.upper()}" in events


def test_what_is_set_and_wrong_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, **SHARED | {"database_url": "postgres://u@h/n", "secret_key": ""})
    database, events = complaints(refused.value)
    assert database.startswith("COVIDXR_DATABASE_URL: ")
    assert "COVIDXR_SECRET_KEY" in events
    assert "DATABASE_URL" not in events


def test_a_wrong_value_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, database_url="postgres://u:s3cret@h/n", smtp_url="smtp://u:s3cret@h:port")
    assert len(refused.value.errors()) == 2
    assert "s3cret" not in str(refused.value)


def test_what_is_wrong_is_told_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, database_url="postgres://u:s3cret@h/n", smtp_url="smtp://", retrain_threshold="0")
    assert list(complaints(refused.value)) == [
        "COVIDXR_DATABASE_URL: begins with sqlite:// or mysql://",
        "COVIDXR_SMTP_URL: names no host and port",
        "COVIDXR_RETRAIN_THRESHOLD: Input should be greater than or equal to 1",
    ]


def test_a_file_that_is_not_there_is_told_with_whatever_else_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And not once that is mended and the model has been compiled."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValidationError) as refused:
        of(
            monkeypatch,
            database_url=f"mysql://u:s3cret@h/n?ssl_ca={tmp_path}/no.pem",
            smtp_url="smtp://",
            trusted_documents="no.json",
            default_model="resnet",
        )
    assert list(complaints(refused.value)) == [
        f"COVIDXR_DATABASE_URL: ssl_ca: {tmp_path}/no.pem cannot be read: No such file or directory",
        "COVIDXR_SMTP_URL: names no host and port",
        f"COVIDXR_TRUSTED_DOCUMENTS: {tmp_path}/no.json cannot be read: No such file or directory",
        f"COVIDXR_DEFAULT_MODEL: {tmp_path}/resnet is no folder: leave it unset until "
        "`covidxr default-model --out` has made one",
    ]


@pytest.mark.parametrize("url", ["mysql://u:s3c/ret@h/n", "mysql://u:s3c?ret@h/n", "mysql://u:s3c#ret@h/n"])
def test_a_password_that_breaks_its_url_is_not_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        of(monkeypatch, database_url=url)
    (line,) = complaints(refused.value)
    assert "s3c" not in line
    assert "%2F" in line


def test_every_setting_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*Settings.model_fields, "admin_password", "test_mysql"]:
        monkeypatch.setenv(f"COVIDXR_{name.upper()}", "x")
    monkeypatch.setenv("covidxr_port", "80")  # settings are read whatever the case
    assert list(unknown_settings()) == []


def test_a_mistyped_setting_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVIDXR_DATABSE_URL", "mysql://u:s3cret@h/n")
    monkeypatch.setenv("COVIDXR_XYZZY", "1")
    far, near = sorted(unknown_settings(), reverse=True)
    assert near == "COVIDXR_DATABSE_URL is no setting and is ignored: did you mean COVIDXR_DATABASE_URL?"
    assert far == "COVIDXR_XYZZY is no setting and is ignored: the README lists those that there are."


def test_a_folder_is_found_from_wherever_one_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert of(monkeypatch, data_dir="~/x/../data").data_dir == tmp_path / "home" / "data"
    monkeypatch.chdir(tmp_path)
    assert of(monkeypatch, data_dir="here").data_dir == tmp_path / "here"


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [("::1", "8000", "http://[::1]:8000"), ("0.0.0.0", "80", "http://0.0.0.0:80"), ("h", "0", "http://h:0")],
)
def test_the_address_is_one_that_browsers_take(
    monkeypatch: pytest.MonkeyPatch, host: str, port: str, address: str
) -> None:
    assert of(monkeypatch, host=host, port=port).address == address


def test_origins_are_taken_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = of(
        monkeypatch,
        allowed_origins=" https://App.example:443/ ,http://localhost:5173,",
        public_url="https://covid.example/xr",
    )
    assert settings.other_origins == ("https://app.example", "http://localhost:5173")
    assert settings.own_origin == "https://covid.example"
    assert Settings.model_construct(port=80).other_origins == ()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1
