"""Trials on Ray: session, searcher, scheduler, loggers. Import its modules by name: they need Ray or Optuna."""
