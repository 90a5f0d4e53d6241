"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write to, which takes the place of ``path`` when the block has ended well.

    A link stays a link, to what is written; a pipe or a device is written to as it is, and stays what it is.

    Raises:
        OSError: of ``path``, and not of the file beside it, which is removed.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    final = path.resolve()
    partial = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        yield partial
        partial.replace(final)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text to a file as :func:`replacing` does."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
