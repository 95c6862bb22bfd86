"""Documents that clients name by their hash, and those that a deployment trusts alone.

The wire format is Apollo's, of automatic persisted queries: Apollo Client and urql send
``extensions.persistedQuery`` and go by the words of these errors.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLError

from api.preparation import CannotStart
from schema.errors import NOT_FOUND_BY_HASH, NOT_SUPPORTED_BY_HASH, NOT_TRUSTED, bad_input
from schema.limits import MAX_LENGTH

KEPT_BYTES: Final = 8 << 20
"""Of what clients have brought; what has not been asked for longest goes first."""
APOLLO: Final = "apollo-persisted-query-manifest"
OWN_MANIFEST: Final = "persisted-documents.json"
"""Beside our own web pages, of what they send."""

Documents = Mapping[str, str]
"""Texts by what they are named."""


class BadManifest(CannotStart):
    """A file of trusted documents that is none."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the file of COVIDXR_TRUSTED_DOCUMENTS {why}")


def read_manifest(file: Path) -> dict[str, str]:
    """The documents of a file: Apollo's manifest, or an object of hashes and documents.

    Raises:
        BadManifest: it cannot be read, or is neither.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadManifest(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    documents = _of_apollo(found) if isinstance(found, dict) and "format" in found else found
    if not isinstance(documents, dict) or not all(isinstance(text, str) for text in documents.values()):
        raise BadManifest("is neither a manifest of Apollo's nor an object of hashes and documents")
    return documents


def _of_apollo(manifest: Mapping[str, Any]) -> dict[str, Any]:
    if (manifest["format"], manifest.get("version")) != (APOLLO, 1):
        raise BadManifest(f"is of another format or version than {APOLLO} 1")
    try:
        return {operation["id"]: operation["body"] for operation in manifest["operations"]}
    except (LookupError, TypeError) as error:
        raise BadManifest("has operations without an id and a body") from error


@dataclass
class Brought:
    """What clients have brought with its hash, the last asked for last."""

    size: int = KEPT_BYTES
    texts: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _taken: int = 0

    def get(self, name: str) -> str | None:
        if name in self.texts:
            self.texts.move_to_end(name)
        return self.texts.get(name)

    def put(self, name: str, text: str) -> None:
        """Keep a text, unless it is longer than what runs here anyway."""
        if name in self.texts or len(text) > MAX_LENGTH:
            return
        self.texts[name] = text
        self._taken += _weight(name, text)
        while self._taken > self.size:
            self._taken -= _weight(*self.texts.popitem(last=False))


def _weight(name: str, text: str) -> int:
    """Bytes that a text and its name take in memory, about: one with an emoji takes four a character."""
    return 500 + len(name) + len(text) * (1 if text.isascii() else 4)


class Register:
    """Finds the text of an operation, and refuses what is not trusted.

    Args:
        trusted: with it, its documents alone are admitted, by their names, by the SHA-256 of their texts or
            as these texts, and what clients bring is not kept; administrators may send anything. Without it,
            everybody may.
    """

    def __init__(self, trusted: Sequence[Documents] | None = None) -> None:
        self._is_open = trusted is None
        self._trusted = _by_name_and_hash(trusted or ())
        self._brought = Brought()

    @property
    def trusted(self) -> frozenset[str]:
        """The texts that are trusted."""
        return frozenset(self._trusted.values())

    def text_of(
        self, query: str | None, extensions: Mapping[str, Any] | None, *, is_admin: bool
    ) -> str | None:
        """The text of an operation, which a client sends, names, or both.

        Raises:
            GraphQLError: nothing here has that name, or it is not that of the text, or it is not trusted.
        """
        name = _name_in(extensions or {})
        if name in self._trusted:
            return self._trusted[name]
        if name is not None and query is None:
            return self._named(name)
        if name is not None and name != digest(query or ""):
            raise bad_input("the hash is not the SHA-256 of the query")
        if self._is_open and name is not None and query is not None:
            self._brought.put(name, query)
        return query if self._is_open or is_admin else self._checked(query)

    def _named(self, name: str) -> str:
        text = self._brought.get(name)
        if text is None:
            # These very words make clients send the text.
            raise GraphQLError("PersistedQueryNotFound", extensions={"code": NOT_FOUND_BY_HASH})
        return text

    def _checked(self, query: str | None) -> str | None:
        if query is not None and digest(query) not in self._trusted:
            raise GraphQLError(
                "this server runs the operations of its own front ends alone",
                extensions={"code": NOT_TRUSTED},
            )
        return query


def register_of(manifest: Path | None, pages: Path) -> Register:
    """The register of a deployment: open, or its manifest and that of the web pages that are served beside.

    Raises:
        BadManifest: one of them is none.
    """
    if manifest is None:
        return Register()
    own = pages / OWN_MANIFEST
    return Register([read_manifest(file) for file in (manifest, own) if file == manifest or own.is_file()])


def digest(text: str) -> str:
    """The name of a text that clients work out by themselves."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _by_name_and_hash(manifests: Sequence[Documents]) -> dict[str, str]:
    named = {name.lower(): text for manifest in manifests for name, text in manifest.items()}
    return named | {digest(text): text for text in named.values()}


def _name_in(extensions: Mapping[str, Any]) -> str | None:
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    match persisted:
        case {"version": 1, "sha256Hash": str(name)}:
            return name.lower()
    # These very words make clients send texts from now on.
    raise GraphQLError("PersistedQueryNotSupported", extensions={"code": NOT_SUPPORTED_BY_HASH})
