"""Studies: who runs what, where, and what happened."""
