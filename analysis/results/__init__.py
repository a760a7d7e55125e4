"""Numbers as values: what a study's trials amount to. Import the modules by name: some load Optuna or read files."""
