"""What an installation stands on: the data folder, the key, addresses, mail, broker, classifier."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from urllib.parse import parse_qs, urlsplit

from api.mail import SmtpPost
from api.preparation import CannotStart
from api.secret_key import secret_file
from api.settings import Settings
from events.broker import Broker, examine
from events.jetstream import address_of
from events.log import LogAway
from services.checkup import Checked, fault, ok, warning
from store.tls import authority

LITTLE, TOO_LITTLE = 5 << 30, 200 << 20
"""Bytes free on a disk."""


def of_folder(settings: Settings) -> Iterator[Checked]:
    """The data folder: whether it can be written, has room, and is its owner's alone."""
    part, folder = "data folder", settings.data_dir
    if not folder.exists():
        yield not_there(part, str(folder), folder, "COVIDXR_DATA_DIR")
        return
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        remedy = "make it a folder that this user can write, or set COVIDXR_DATA_DIR to another"
        yield fault(part, f"{folder} cannot be written: {error.strerror}", remedy)
        return
    yield of_room(part, folder)
    if folder.stat().st_mode & 0o077:
        yield warning(part, f"others may look into {folder}", f"chmod 700 {folder}")


def not_there(part: str, name: str, path: Path, setting: str) -> Checked:
    """Of what a server makes when it starts: whether it could."""
    above = next(folder for folder in path.parents if folder.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return warning(part, f"{name} is not there", f"start the server, which makes it, or mend {setting}")
    why = "cannot be written" if above.is_dir() else "is no folder"
    remedy = f"make it a folder that this user can write, or set {setting} to another place"
    return fault(part, f"{name} is not there and cannot be made: {above} {why}", remedy)


def of_room(part: str, folder: Path) -> Checked:
    """How much is free on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    words, remedy = f"{folder} can be written, {free / 1e9:.1f} GB free", "make room on its disk"
    if free < TOO_LITTLE:
        return fault(part, words, remedy)
    return warning(part, words, remedy) if free < LITTLE else ok(part, words)


def of_key(settings: Settings) -> Checked:
    """The key that signs addresses of pictures."""
    file = secret_file(settings.data_dir)
    if settings.secret_key:
        return ok("key", "is a setting, COVIDXR_SECRET_KEY")
    if not file.exists():
        return ok("key", f"{file} is made at the first start")
    if file.stat().st_mode & 0o077:
        remedy = f"chmod 600 {file}; if somebody may have read it, remove it and restart"
        return fault("key", f"others may read {file}, and so look at any picture", remedy)
    if not file.stat().st_size:
        return warning("key", f"{file} is empty", "restart the server, which makes it anew")
    return ok("key", f"{file} is its owner's alone")


def of_address(settings: Settings) -> Iterator[Checked]:
    """The address that people and mails use."""
    parts = urlsplit(settings.address)
    if not settings.public_url and not _is_here(settings.host):
        remedy = "set COVIDXR_PUBLIC_URL to the address in people's browsers"
        yield warning("address", f"mails link to {settings.address}, which is no address to go to", remedy)
    elif parts.scheme == "http" and not _is_here(parts.hostname or ""):
        remedy = "put a proxy with a certificate in front, and set COVIDXR_PUBLIC_URL to https://…"
        yield warning("address", f"{settings.address} shows passwords and films to the network", remedy)
    elif parts.scheme == "https" and not settings.trusted_proxies:
        remedy = "set COVIDXR_TRUSTED_PROXIES to the address of the proxy"
        yield warning("address", "limits by address take all people behind the proxy for one", remedy)
    else:
        yield ok("address", settings.address)


def of_way_to_database(url: str) -> Iterator[Checked]:
    """Whether a network lies between us and the database, and could read along."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite" or "unix_socket" in parse_qs(parts.query):
        return
    if file := authority(url):
        yield ok("database", f"is spoken to by TLS, as {file} vouches for, or not at all")
    elif not _is_here(parts.hostname or ""):
        remedy = "give it a certificate, and its URL ?ssl_ca=FILE (docs/operations.md)"
        yield warning("database", f"what goes to {parts.hostname} and back is in the clear", remedy)


async def of_mail(settings: Settings) -> Checked:
    """The mail server, of which a word is asked and no mail is sent."""
    if settings.smtp_url is None:
        remedy = "set COVIDXR_SMTP_URL where people are to get mails"
        return warning("mail", f"mails are written to {settings.data_dir / 'mail'}", remedy)
    try:
        await SmtpPost(settings.smtp_url, settings.mail_from).greet()
    except OSError as error:
        return fault("mail", str(error), "start or mend the mail server, or mend COVIDXR_SMTP_URL")
    return ok("mail", f"{urlsplit(settings.smtp_url).hostname} answers, and would take mails")


async def of_events(settings: Settings) -> list[Checked]:
    """The broker, where there is one."""
    if not settings.scales_out:
        return [ok("broker", "none: one server does it all")]
    try:
        broker = await examine(settings.events_url)
    except LogAway as error:
        return [fault("broker", f"does not answer: {error}", "start or mend it, or mend COVIDXR_EVENTS_URL")]
    if not broker.has_jetstream:
        remedy = "enable it (jetstream {} in nats.conf, and for the account)"
        return [fault("broker", f"NATS {broker.version} answers, without JetStream", remedy)]
    return [ok("broker", f"NATS {broker.version} with JetStream answers"), *_of_stream(settings, broker)]


def _of_stream(settings: Settings, broker: Broker) -> Iterator[Checked]:
    address, stream = address_of(settings.events_url), broker.stream
    if stream is None:
        yield warning("broker", f"there is no stream {address.stream}", "start a server, which makes it")
        return
    kept = timedelta(days=settings.events_kept_days)
    restart = "set the same for all processes, and restart one, which sets the stream to it"
    if stream.kept != kept:
        yield warning(
            "broker", f"events are kept for {stream.kept.days} days, {kept.days} are set here", restart
        )
    if stream.replicas != address.replicas:
        words = f"the stream is on {stream.replicas} servers, {address.replicas} are set here"
        yield warning("broker", words, restart)
    if not stream.has_leader:
        yield fault(
            "broker",
            f"the stream {address.stream} has no leader",
            "start the servers of the broker that are down",
        )


def of_classifier(settings: Settings) -> tuple[list[Checked], str | None]:
    """The device, the default model and the weights of its network, and the network's name; takes seconds."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a server has most of a GPU's memory
    with TemporaryDirectory() as elsewhere:  # for caches, where there is no data folder: none is made
        return _of_network(settings, settings.data_dir if settings.data_dir.is_dir() else Path(elsewhere))


def _of_network(settings: Settings, folder: Path) -> tuple[list[Checked], str | None]:
    lines: list[Checked] = []
    try:
        import jax

        from api import classifier

        classifier.prepare_jax(folder, settings.device)
        kinds = {f"{device.platform} ({device.device_kind})" for device in jax.devices()}
        lines.append(ok("device", ", ".join(sorted(kinds))))
        beginning = classifier.load_beginning(folder, settings.default_model, warm=False)
        name = beginning.extractor.name
        return [*lines, ok("default model", f"{beginning.default.model.name}, of the network {name}")], name
    except CannotStart as error:
        words, remedy = parted(str(error))
        return [*lines, fault("classifier", words, remedy)], None


def parted(message: str) -> tuple[str, str]:
    """What is wrong, and the remedy, of a line that tells both."""
    words, _, remedy = message.partition(" Remedy: ")
    if not remedy:
        words, _, remedy = message.partition(". ")
    return words.rstrip("."), remedy.rstrip(".") or "see there"


def _is_here(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
