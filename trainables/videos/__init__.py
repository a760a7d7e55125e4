"""Video files to features; ``python -m trainables.videos``. Import its modules by name: most need PyAV or torch."""
