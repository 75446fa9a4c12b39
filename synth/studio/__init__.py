"""A small studio: parametric flying objects, painted and rendered with alpha and a caption.

Run as `python -m synth.studio`; only this package needs an OpenGL driver.
"""
