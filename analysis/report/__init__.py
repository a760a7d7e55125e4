"""One self-contained HTML page; ``python -m analysis.report``."""
