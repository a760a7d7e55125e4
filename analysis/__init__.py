"""From a study's folder to tables and figures; imports neither torch nor Ray."""
