"""One function per kind of flying object: a random generator in, a mesh builder out."""
