"""The gate's verdict in numbers: two models on the same patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry


@strawberry.type(description="Candidate less incumbent with its 95% interval, each from -1 to 1.")
class Difference:
    value: float = strawberry.field(description="The difference itself.")
    low: float = strawberry.field(description="Lower end of the interval.")
    high: float = strawberry.field(description="Upper end of the interval.")


@strawberry.type(description="Images that one of two models alone calls rightly.")
class Discordance:
    candidate_alone: int = strawberry.field(description="That the candidate alone calls rightly.")
    incumbent_alone: int = strawberry.field(description="That the model in service alone calls rightly.")
    p: float = strawberry.field(
        description="McNemar's exact test: how often chance parts them so unevenly. It decides nothing."
    )


@strawberry.type(description="One figure of the candidate and of the model in service.")
class GateComparison:
    name: str = strawberry.field(
        description="One of sensitivity, specificity, AUC, and AUC at home: that of the base set's patients, "
        "whom nobody labels; left out where no others judge."
    )
    incumbent: float = strawberry.field(description="Of the model in service then.")
    candidate: float = strawberry.field(description="Of this version.")
    difference: Difference = strawberry.field(description="By a bootstrap over patients.")
    margin: float = strawberry.field(description="How far below zero its lower end may lie.")
    passes: bool = strawberry.field(description="Whether it lies no further.")
    alone: Discordance | None = strawberry.field(description="Null of the AUC, which has no calls.")


@strawberry.type(description="Patients of one class who judged.")
class GateSize:
    name: str = strawberry.field(description="Which class, in words.")
    patients: int = strawberry.field(description="How many there are.")
    needed: int = strawberry.field(description="How many the gate needs to promote by itself.")


@strawberry.type(description="The gate's verdict in numbers; the sentence is `verdict`.")
class GateVerdict:
    comparisons: list[GateComparison] = strawberry.field(description="Figure by figure; all have to pass.")
    sizes: list[GateSize] = strawberry.field(
        description="Class by class; where one is too small, an administrator has to confirm."
    )

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> GateVerdict:
        """What a record keeps; see `ml.verdict.Verdict.as_dict`."""
        return cls(
            comparisons=[_comparison(one) for one in found["comparisons"]],
            sizes=[GateSize(**size) for size in found["sizes"]],
        )


def _comparison(found: Mapping[str, Any]) -> GateComparison:
    alone = Discordance(**found["alone"]) if found["alone"] else None
    return GateComparison(**dict(found) | {"difference": Difference(**found["difference"]), "alone": alone})
