"""Where blobs lie."""


def pixels_key(image_key: str) -> str:
    """An image as it was uploaded."""
    return f"pixels/{image_key}"


def features_key(extractor: str, image_key: str) -> str:
    """An image's features by one extractor; those of two are never mixed."""
    return f"features/{extractor}/{image_key}"


def model_key(sha256: str) -> str:
    """A model's file."""
    return f"models/{sha256}.safetensors"
