import sys

# httpx brings its command line along where rich is installed: five megabytes in every process, for what nobody calls.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
