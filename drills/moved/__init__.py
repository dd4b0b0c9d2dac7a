"""Nights with the clock moved: the kernel as a real process, the vendors' stand-ins over HTTP, hours in a few seconds."""
