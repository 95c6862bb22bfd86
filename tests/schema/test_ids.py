"""Global ids."""

import base64

import pytest

from schema import ids


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("row_id", [0, 1, 42, 10**18 - 1])
def test_come_back_as_they_went(row_id: int) -> None:
    assert ids.decode(ids.encode("ModelVersion", row_id)) == ("ModelVersion", row_id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "Image:1",
        "ÿ",
        "%%%",
        encoded("Image"),
        encoded("Image:"),
        encoded("Image:-1"),
        encoded("Image:01"),
        encoded("Image:1.5"),
        encoded("Image:1 "),
        encoded("Image:1\n"),
        encoded("Image:١"),
        encoded("Image:" + "9" * 19),
        encoded(":1"),
        encoded("Image:1:2"),
        encoded("Image:1") + "\n",
        base64.b64encode(b"\xff\xfe").decode(),
        "A" * 100_000,
    ],
)
def test_nothing_else_is_one(text: str) -> None:
    with pytest.raises(ids.MalformedId, match="not an id"):
        ids.decode(text)


def test_an_input_names_a_row_of_its_type() -> None:
    assert ids.row_of(ids.encode("Image", 7), "Image") == 7


@pytest.mark.parametrize("text", ["nonsense", ids.encode("User", 7)])
def test_an_input_that_names_none_names_a_row_that_is_not_there(text: str) -> None:
    assert ids.row_of(text, "Image") == ids.NO_ROW
