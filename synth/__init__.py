"""Synthetic data: cutouts and backgrounds become labelled scenes. Import its modules directly."""

__all__: list[str] = []
