"""Prefect blocks: credentials and targets, each giving a ready client."""
