"""The Ray shell: trainable, a trial on the disk, checkpoints. Import its modules by name: some need Ray."""
