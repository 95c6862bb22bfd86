"""The processes: settings, wiring, the web application, the trainer and the command line."""
