"""What the platform sustains as many processes on one machine: `python -m benchmarks.scale --help`."""
