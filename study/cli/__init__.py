"""What the commands share: arguments, request, plan, progress, rerun. Import its modules by name: some need numpy."""
