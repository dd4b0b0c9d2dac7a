"""The nights with the clock moved, by name: one module per part of the guide."""

from drills.moved.nights import answers, customers, plans, quiet, reviews
from drills.moved.story import MovedDrill

MOVED_DRILLS: dict[str, MovedDrill] = {
    drill.name: drill
    for drill in (*answers.DRILLS, *quiet.DRILLS, *plans.DRILLS, *customers.DRILLS, *reviews.DRILLS)
}
