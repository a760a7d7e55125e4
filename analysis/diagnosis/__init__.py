"""DETAD's error diagnosis; ``python -m analysis.diagnosis``. Import its modules by name: figures need matplotlib."""
