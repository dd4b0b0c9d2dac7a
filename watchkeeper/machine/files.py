"""Files that others read while we write them."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace a file by a new one at once: whoever reads it sees the old one or the new one, and all of it.

    What is there already and says the same stays as it is.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).chmod(0o644)  # whoever serves or shares the folder must be able to read it
        Path(fresh).replace(path)
    finally:
        Path(fresh).unlink(missing_ok=True)
