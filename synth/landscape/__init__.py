"""Landscapes made of arithmetic: skies, clouds, terrain, water and towns, for `synth.backgrounds`.

Everything here computes in linear light (float32, RGB, 1.0 = white paper in the sun) and takes its
own random generator. Not here: the list of scenes, files and metadata (`synth.backgrounds`).
"""
