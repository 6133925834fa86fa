"""The package's exceptions: every error that a caller can mend derives from :class:`StanceError`.

::

    StanceError
    ├── InputError         a text, row or file that cannot be used (also a ValueError)
    ├── ModelError         a checkpoint that is missing, damaged, unsafe or cannot be mapped
    ├── ConfigError        a YAML file with an unknown key or a wrong value
    └── MissingExtraError  an optional dependency that is not installed (also an ImportError)

A message says what was wrong, where (file, row) and what to do.
"""

from __future__ import annotations


class StanceError(Exception):
    """Base of all errors raised on purpose by this package."""


class InputError(StanceError, ValueError):
    """A text, row, column or file that cannot be used."""


class ModelError(StanceError):
    """A checkpoint that is missing, damaged, unsafe, or has labels that cannot be mapped."""


class ConfigError(StanceError):
    """A configuration file with an unknown key or a value out of range."""


class MissingExtraError(StanceError, ImportError):
    """An optional dependency is not installed.

    Args:
        package: the module that could not be imported.
        extra: the extra of this package that brings it; None where it is installed by its own name.

    Example:
        >>> str(MissingExtraError("trafilatura", "html"))
        "trafilatura is not installed; run: pip install 'stance[html]'"
    """

    def __init__(self, package: str, extra: str | None) -> None:
        line = package.replace("_", "-") if extra is None else f"'stance[{extra}]'"
        super().__init__(f"{package} is not installed; run: pip install {line}")
        self._given = package, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str | None]]:
        return type(self), self._given  # else a worker process could not hand it on


class UnsupportedLanguageWarning(UserWarning):
    """Texts are in a language that the model does not read; their labels mean little."""
