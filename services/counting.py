"""Counts in sentences."""


def count_of(number: int, one: str, more: str = "") -> str:
    """So many things, such as "1 image", "12 images"; ``more`` is a plural that is not ``one`` with an s."""
    return f"{number} {one if number == 1 else more or one + 's'}"
