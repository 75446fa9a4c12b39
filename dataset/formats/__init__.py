"""File formats of labelled images; each module has ``read(folder)`` and ``write(dataset, folder)``."""

__all__: list[str] = []
