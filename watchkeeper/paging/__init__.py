"""Waking people: whom and how, what is put into the outbox and sent from it, and what follows when nobody answers."""
