"""Text from outside: no paths, nothing invisible, no more than we keep."""

import pytest

from services.cleaning import clean_filename, clean_patient_ref
from services.errors import Code, Refused

INVISIBLE = [
    "\x00",
    "\n",
    "\x7f",
    "\x85",
    "\u200b",
    "\u202e",
    "\u2028",
    "\u2029",
    "\ud800",
    "\ue000",
    "\ufeff",
]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\chest.png", "chest.png"),
        ("a\x00b\n.png", "ab.png"),
        ("", "unnamed"),
        ("/", "unnamed"),
        (".", "unnamed"),
        ("..", "unnamed"),
        ("a/..", "unnamed"),
        (".\u202e.", "unnamed"),
        ("\ud800", "unnamed"),
        ("...", "..."),
        ("é" * 300 + ".png", "é" * 251 + ".png"),
        ("胸部 X線.png", "胸部 X線.png"),
    ],
)
def test_keeps_names_that_are_no_paths(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


@pytest.mark.parametrize("sign", INVISIBLE, ids=ascii)
def test_drops_what_is_invisible(sign: str) -> None:
    assert clean_filename(f"a{sign}b.png") == "ab.png"
    assert clean_patient_ref(f" P{sign}-7{sign}") == "P-7"
    assert clean_patient_ref(sign) is None


def test_a_patient_reference_has_an_end() -> None:
    assert clean_patient_ref("x" * 100 + " \x00") == "x" * 100
    with pytest.raises(Refused) as refused:
        clean_patient_ref("x" * 101)
    assert [(problem.code, problem.field) for problem in refused.value.problems] == [
        (Code.TOO_LARGE, "patientRef")
    ]
