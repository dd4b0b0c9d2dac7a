"""One module per system: each task is one look or one action. The work is in plain functions below the tasks."""
