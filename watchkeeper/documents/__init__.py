"""Documents: Markdown made from an incident's rows alone. Pure."""
