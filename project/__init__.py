"""Labelling projects: pictures and boxes that a model proposes and people correct.

One folder holds one project: an SQLite file and the pictures by content hash. Imports core, dataset
and pipeline; knows no page and no training loop.
"""
