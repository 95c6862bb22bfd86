"""Column types that the two engines spell differently."""

from __future__ import annotations

from tortoise.fields import CharField


class ExactCharField(CharField[str]):
    """Text that equals itself alone; by MySQL's default, "josé" would be "jose" and "Jose"."""

    class _db_mysql:  # noqa: N801, Tortoise finds it by this name
        def __init__(self, field: CharField[str]) -> None:
            self.field = field

        @property
        def SQL_TYPE(self) -> str:  # noqa: N802
            return f"{self.field.SQL_TYPE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
