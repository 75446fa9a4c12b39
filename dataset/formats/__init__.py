"""File formats of labelled images; each module has ``read``, ``write`` and its `FORMAT`."""

__all__: list[str] = []
