"""Which network made a feature vector: vectors of different backbones are never mixed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backbone:
    """A network, the SHA-256 of its weights, and how images were prepared for it."""

    network: str
    weights: str
    preprocessing: str

    @property
    def name(self) -> str:
        """A short name, as unique as the first twelve digits of the weights' SHA-256."""
        return f"{self.network}/{self.weights[:12]}/{self.preprocessing}"
