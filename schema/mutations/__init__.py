"""What can be changed: one noun a file, every mutation with an input and a payload of its own."""

from __future__ import annotations

import strawberry

from schema.mutations.accounts import AccountMutations
from schema.mutations.images import ImageMutations
from schema.mutations.models import ModelMutations
from schema.mutations.moderation import ModerationMutations
from schema.mutations.news import NewsMutations
from schema.mutations.people import PeopleMutations
from schema.mutations.second_factor import SecondFactorMutations


@strawberry.type(description="What can be changed.")
class Mutation(
    PeopleMutations,
    AccountMutations,
    SecondFactorMutations,
    ModerationMutations,
    ImageMutations,
    ModelMutations,
    NewsMutations,
):
    pass
