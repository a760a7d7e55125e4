"""How fast, how large, against what: one command per question; figures in README.md."""
