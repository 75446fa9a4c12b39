"""Spotter: `python app.py` opens the page, `python app.py COMMAND ...` is the command line."""

from __future__ import annotations

import sys

from frontends.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
