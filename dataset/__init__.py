"""Labelled images: records, splits, file formats and metrics. Import its modules directly."""

__all__: list[str] = []
