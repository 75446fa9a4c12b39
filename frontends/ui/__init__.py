"""The page: a file per tab, a folder per part, words in `text`, colors in `palette`."""

__all__: list[str] = []
