"""Image and captions in, ranked boxes out.

`Locator` (pipeline/locate.py) is the one entry; stages, engines and models are behind it.
"""
