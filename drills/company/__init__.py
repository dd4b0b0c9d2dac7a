"""The stand-in company: a small shop on a real Postgres and a real Redis. It imports nothing of ours."""
