"""The networks by name: where each has its weights from."""

from pathlib import Path
from typing import Final

from ml import keras_networks, keras_weights, weights
from ml.weights import Weights

NAMES: Final = ("vgg16", *keras_networks.NETWORKS)


def written(network: str) -> str:
    """A network's name as its authors write it."""
    keras = keras_networks.NETWORKS.get(network)
    return keras.application if keras else network.upper()


def load(network: str, folder: Path, file: Path | None = None) -> Weights:
    """The weights in a file that a user names, else ImageNet's, which ``folder`` keeps once they are found.

    Raises WeightsError, and KerasMissing for a network of Keras's without the extra.
    """
    if network in keras_networks.NETWORKS:
        return keras_weights.load_file(network, file) if file else keras_weights.load(network, folder)
    return weights.load_file(file) if file else weights.load(folder)
