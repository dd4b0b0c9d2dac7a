"""Loading the blocks of this installation."""

from typing import TypeVar

from prefect.blocks.core import Block

BLOCK_DOCUMENT = "watchkeeper"

Kind = TypeVar("Kind", bound=Block)


async def load_block(kind: type[Kind], name: str = BLOCK_DOCUMENT) -> Kind | None:
    """The saved block of this kind, or None when this installation has none."""
    try:
        return await kind.aload(name)
    except ValueError as error:
        # Prefect says so of a document or a type that does not exist, and of nothing else it loads.
        if "Unable to find block document" in str(error):
            return None
        raise
