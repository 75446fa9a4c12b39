"""Detector families: one file each, reached through pipeline/registry.py."""
