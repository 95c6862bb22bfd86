"""The use cases, one noun a file, and the reactions that tie events to them."""
