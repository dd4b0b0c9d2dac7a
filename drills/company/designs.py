"""What the backend asks for and the worker does: the queue's name, and the kinds of designs."""

QUEUE = "designs"
DESIGN = "design"
# The bug: the rendering of such a picture never ends.
ENDLESS = "endless"
