"""Presets of runs and named studies; they travel with the package."""
