"""Where a dataset's files lie within a folder that a user names."""

from pathlib import Path


def find_folder(folder: Path, *names: str) -> Path | None:
    """The folder that has all these relative paths: `folder` itself, or the nearest one within it.

    Archives unpack with and without a folder of their own around them. Looks two levels deep.
    """
    level = [folder]
    for _ in range(3):
        for candidate in level:
            if all((candidate / name).exists() for name in names):
                return candidate
        level = [
            path
            for candidate in level
            if candidate.is_dir()
            for path in sorted(candidate.iterdir())
            if path.is_dir() and not path.name.startswith((".", "__MACOSX"))
        ]
    return None
