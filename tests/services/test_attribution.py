"""What a report says of where heads look."""

import numpy as np
import pytest

from ml.evaluation import Estimate
from services.attribution import Within, of_class, plain, sentence, table
from services.study_tables import per_cent


def looked(with_covid: float, without: float) -> list[Within]:
    shares = {True: with_covid, False: without}
    return [
        Within(covid, 20, Estimate(share, share - 0.05, share + 0.05), 0.44)
        for covid, share in shares.items()
    ]


@pytest.mark.parametrize(
    ("share", "words"), [(0.6, ", more than the 44 %"), (0.47, ", no more than the 44 %"), (0.3, ", no more")]
)
def test_heat_in_the_lungs_is_held_against_even_heat(share: float, words: str) -> None:
    said = sentence("D", looked(share, 0.2))
    assert (
        f"{100 * share:.0f} % of it in pictures with COVID and 20 % of it in pictures without COVID" in said
    )
    assert words in said


def test_every_head_and_class_has_a_row() -> None:
    found = {"C": looked(0.5, 0.4), "D": looked(0.3, 0.2)}
    rows = table(found).rows
    assert [row[:3] for row in rows] == [
        [name, kind, "20"] for name in ("C", "D") for kind in ("with COVID", "without")
    ]
    assert rows[0][3] == per_cent(Estimate(0.5, 0.45, 0.55))
    assert rows[0][4] == "44.0"
    assert plain(found)["D"][1]["share"]["value"] == 0.2


def test_films_without_heat_are_not_counted() -> None:
    found = of_class(np.array([[0.2, 0.4], [np.nan, 0.4], [0.4, 0.4]]), covid=True)
    assert (found.images, found.share.value, found.even) == (2, pytest.approx(0.3), pytest.approx(0.4))
    assert of_class(np.full((2, 2), np.nan), covid=False).images == 0
