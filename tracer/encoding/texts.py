"""What is made of every text before it is kept: its paths are the same on every machine, and its secrets are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.encoding.walks import scanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.hiding import Secrets
    from tracer.encoding.paths import PathNormaliser

_SLASH: Final = ord(
    "/"
)  # as a number: looking for bytes in bytes raises and drops an exception first, six times the price


class Texts:
    """Rewrites texts and bytes.

    For those who look themselves, as the C does: `needles` is what a path to rewrite begins with, as bytes; `look` says which texts may
    hold a secret.
    """

    def __init__(self, paths: PathNormaliser, secrets: Secrets, *, pure: bool = False) -> None:
        self._paths = paths
        self._secrets = secrets
        self.look = look = int(secrets.look)
        scan = None if pure else scanner()
        self.hides: Callable[[bytes], bool] = secrets.found if scan is None else lambda data: scan(data, look)
        """Say whether bytes may hold a secret."""

    @property
    def needles(self) -> list[bytes]:
        """The roots of paths, which change when pytest tells its folder."""
        return self._paths.needles

    def found(self, data: bytes) -> bool:
        """Say whether encoded bytes may hold something to rewrite."""
        return (_SLASH in data and self._paths.found(data)) or self.hides(data)

    def text(self, text: str) -> str:
        """Return the text as it is kept."""
        return self._secrets.text(self._paths.text(text))

    def data(self, data: bytes) -> bytes:
        """Return bytes as they are kept: without secrets. Paths in them are left."""
        return self._secrets.data(data)
