"""Where blobs lie."""

PIXELS = "pixels"
FEATURES = "features"
HEATMAPS = "heatmaps"
THUMBNAILS = "thumbnails"
CHECKPOINTS = "checkpoints"


def pixels_key(image_key: str) -> str:
    """An image as it was uploaded."""
    return f"{PIXELS}/{image_key}"


def features_key(extractor: str, image_key: str) -> str:
    """An image's features by one extractor; those of two are never mixed."""
    return f"{FEATURES}/{extractor}/{image_key}"


def heatmap_key(model_id: int, image_key: str) -> str:
    """Where a model saw COVID in an image."""
    return f"{HEATMAPS}/{model_id}/{image_key}"


def thumbnail_key(image_key: str) -> str:
    """An image in small."""
    return f"{THUMBNAILS}/{image_key}"


def checkpoints_of(run_id: int) -> str:
    """The folder of a training run's checkpoints."""
    return f"{CHECKPOINTS}/{run_id}"


def checkpoint_key(run_id: int, name: str) -> str:
    """One of a training run's checkpoints."""
    return f"{checkpoints_of(run_id)}/{name}"


def run_of(key: str) -> int:
    """The training run that a checkpoint belongs to."""
    return int(key.split("/")[1])


def name_of(key: str) -> str:
    """The last part of a key."""
    return key.rpartition("/")[2]


def image_key(key: str) -> str:
    """The image that pixels, features, a heatmap or a thumbnail belong to."""
    return name_of(key)


def model_key(sha256: str) -> str:
    """A model's file."""
    return f"models/{sha256}.safetensors"
