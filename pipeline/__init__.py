"""Image and captions in, ranked boxes out.

`pipeline.locate.Locator` is the one entry; stages, engines and models are behind it. Start there.
"""
