"""File formats of labelled images; each module has ``read`` and ``write``, nothing else."""

__all__: list[str] = []
