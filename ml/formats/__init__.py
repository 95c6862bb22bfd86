"""Image files, each format by its specification: what a file holds is known before anything is decoded."""
