"""Every way in: page, command line, batch. Reads inputs, makes one core call, presents."""

__all__: list[str] = []
