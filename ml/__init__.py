"""The classifier, pure: arrays in, arrays out."""
