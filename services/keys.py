"""Where blobs lie."""

PIXELS = "pixels"
FEATURES = "features"


def pixels_key(image_key: str) -> str:
    """An image as it was uploaded."""
    return f"{PIXELS}/{image_key}"


def features_key(extractor: str, image_key: str) -> str:
    """An image's features by one extractor; those of two are never mixed."""
    return f"{FEATURES}/{extractor}/{image_key}"


def image_key(key: str) -> str:
    """The image that pixels or features belong to."""
    return key.rpartition("/")[2]


def model_key(sha256: str) -> str:
    """A model's file."""
    return f"models/{sha256}.safetensors"
