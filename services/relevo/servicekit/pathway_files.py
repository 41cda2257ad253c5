"""An institution's or a country's own pathways: the files of one folder, read when a service starts."""

from pathlib import Path

from relevo.contracts.pathways.loader import PathwayFilesError, add

from .settings import InvalidSettingsError


def add_pathways(directory: Path | None) -> None:
    """Makes the pathways of a folder known to this process; nothing without one.

    Raises:
        InvalidSettingsError: The folder cannot be read, or a file has errors: says which and where.
    """
    if directory is None:
        return
    if not directory.is_dir():
        raise InvalidSettingsError(f"pathway_directory: there is no folder {directory}")
    try:
        add({str(path): path.read_text("utf-8") for path in sorted(directory.glob("*.toml"))})
    except PathwayFilesError as error:
        raise InvalidSettingsError(f"pathway_directory cannot be used:\n{error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettingsError(
            f"pathway_directory: a file cannot be read ({type(error).__name__})"
        ) from None
