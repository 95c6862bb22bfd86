"""What one server adds to the bare model: `python -m benchmarks.serve --help`."""
