"""Passwords: which are taken, and Argon2id, off the event loop."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import Code, Problem

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 256
"""Longer ones would only cost us time."""
FEWEST_GUESSES = 1_000_000
"""Of whoever tries the likely ones first: over a year's, at the 100 an hour that `services.door` allows."""
PLATFORM_WORDS = (
    *("covid", "covid19", "covid-19", "covidxr", "covid-xr", "coronavirus", "sarscov2"),
    *("pandemia", "pandemic", "xray", "x-ray", "rayosx", "radiografia", "radiologia"),
    *("radiology", "torax", "thorax", "chest", "pulmon", "hospital", "clinica", "clinic"),
    *("doctor", "medico", "enfermera", "nurse"),
)
"""What the platform and its people are called, which anybody would try; small letters without accents."""
SHORTEST_WORD = 3
GUESSED_SOON = (
    "this password would be guessed soon: take a longer one, or several words, without your name, "
    "your address or the platform's name"
)
PIECE = 16
"""Characters that are judged at a time: of 24 that stand for many letters each, zxcvbn takes a second."""

# RFC 9106's second recommended option, argon2-cffi's default: 64 MiB, 3 passes, 4 lanes.
_HASHER = PasswordHasher()
# By the same parameters: verified against when the address is unknown, so that the answer takes as long.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$gTzS7donLvBamZiQojgAFA$QYbE7VX+hOFGM3+KbqnJLTk3ZTbjYnomtSTiApsK7qc"
# One at a time: it keeps the words of whom it judges in a global, and does not let go of the interpreter.
_JUDGE = ThreadPoolExecutor(1, "passwords")


async def problems_of(password: str, *about: str) -> list[Problem]:
    """What is wrong with a new password: INVALID or TOO_LARGE.

    Args:
        password: the new one.
        about: the name and the address of whose it is, which count for nothing in it.
    """
    if len(password) < MINIMUM_LENGTH:
        return [Problem(Code.INVALID, f"a password has at least {MINIMUM_LENGTH} characters", "password")]
    if len(password) > MAXIMUM_LENGTH:
        return [Problem(Code.TOO_LARGE, f"a password has at most {MAXIMUM_LENGTH} characters", "password")]
    words = _words_in(*about)
    if await asyncio.get_running_loop().run_in_executor(_JUDGE, _is_guessed_soon, password, words):
        return [Problem(Code.INVALID, GUESSED_SOON, "password")]
    return []


async def hashed(password: str) -> str:
    """The password's hash, with its salt and parameters."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def hashed_anew(password: str, password_hash: str) -> str:
    """The hash to keep of a password that matches its hash: another where the parameters are others now."""
    return await hashed(password) if _HASHER.check_needs_rehash(password_hash) else password_hash


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one hashed; as slow where there is no hash."""
    if len(password) > MAXIMUM_LENGTH:
        return False
    return await asyncio.to_thread(_verify, password, password_hash or _NOBODY) and password_hash is not None


def _verify(password: str, password_hash: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _words_in(*texts: str) -> list[str]:
    """The texts and their words, and the platform's, the longest first."""
    folded = [_folded(text[:MAXIMUM_LENGTH]) for text in texts]
    words = {*PLATFORM_WORDS, *folded, *(word for text in folded for word in re.findall(r"\w+", text))}
    return sorted((word for word in words if len(word) >= SHORTEST_WORD), key=lambda word: (-len(word), word))


def _folded(text: str) -> str:
    """In small letters without accents, as lists of frequent passwords have them."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _is_guessed_soon(password: str, words: list[str]) -> bool:
    """Whether it is frequent, or it or what is left without these words is among the first to be tried."""
    from zxcvbn.matching import RANKED_DICTIONARIES  # 94,000 words, which the command line need not wait for

    whole = _folded(password)
    rest = re.sub("|".join(map(re.escape, words)), "", whole)
    return whole in RANKED_DICTIONARIES["passwords"] or _is_weak(whole, words) or _is_weak(rest, words)


def _is_weak(text: str, words: list[str]) -> bool:
    """Whether few guesses lead to each of its pieces."""
    from zxcvbn import zxcvbn

    pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    return all(zxcvbn(piece, words)["guesses"] < FEWEST_GUESSES for piece in pieces)
