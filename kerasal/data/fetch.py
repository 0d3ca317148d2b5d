"""Getting a dataset: its archives from the user's disk or the official page, checked, unpacked safely."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from kerasal._files import new_folder
from kerasal.data.extract import extract
from kerasal.data.info import Archive, DatasetInfo
from kerasal.errors import InputError
from kerasal.weights.download import Progress, download

Watch = Callable[[str], Progress]  # a file's name -> what is told how many of its bytes are there


def fetch(
    info: DatasetInfo,
    folder: Path | str,
    *,
    archives: Path | str | None = None,
    watch: Watch = lambda name: lambda done, total: None,
    report: Callable[[str], None] = print,
    timeout: float = 30,
) -> Path:
    """Make the dataset's folder from its archives; returns the folder.

    Args:
        folder: to be made; it appears when all archives are unpacked.
        archives: a folder where archives lie that are there already, under their names; what is not
            there is downloaded into it. Default: FOLDER.archives beside the folder, which is kept if
            something fails, so that a second try goes on from there, and removed at the end.
        watch: shows how far a download is.
        report: takes a line that the user should read.

    InputError: the folder is there already; a dataset that a program cannot get, with what to do; what
    `kerasal.weights.download.download` and `kerasal.data.extract.extract` refuse; another checksum.
    """
    folder = Path(folder).absolute()
    if folder.exists():
        raise InputError(
            f"{folder} is there already: kerasal data check {info.name} {folder} looks at it; "
            "to get it anew, move it away first"
        )
    store = folder.with_name(f"{folder.name}.archives") if archives is None else Path(archives).absolute()
    files = {archive: store / archive.name for archive in info.archives}
    missing = [archive.name for archive, file in files.items() if not (archive.address or file.is_file())]
    if missing or not files:
        raise InputError(_by_hand(info, folder, missing))
    for archive, file in files.items():
        if there := file.is_file():
            report(f"taking {file}")
        else:
            report(f"downloading {archive.name} from {archive.address}")
            download(archive.address, file, progress=watch(archive.name), timeout=timeout)
        check_md5(file, archive, downloaded=not there)
    with new_folder(folder) as partial:
        for archive, file in files.items():
            report(f"unpacking {archive.name}")
            extract(file, partial)
    if archives is None:
        for file in files.values():
            file.unlink()
        with contextlib.suppress(OSError):  # something of the user's or of the system's lies there, too
            store.rmdir()
    return folder


def check_md5(file: Path, archive: Archive, downloaded: bool = False) -> None:
    """InputError with both sums if a file has another MD5 than the one known; a downloaded one is removed."""
    if archive.md5 is None:
        return
    with open(file, "rb") as stream:
        digest = hashlib.md5(usedforsecurity=False)
        while block := stream.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != archive.md5:
        if downloaded:
            file.unlink()
        raise InputError(
            f"{file} has the MD5 {digest.hexdigest()} and {archive.md5} is expected: it was cut off or is "
            "another edition; " + ("try again" if downloaded else "remove it and try again")
        )


def _by_hand(info: DatasetInfo, folder: Path, missing: list[str]) -> str:
    if not missing:
        return f"{info.title} has to be got by hand from {info.page}: {info.by_hand}; put it into {folder}"
    return (
        f"{info.title} has to be got by hand: {info.by_hand}. Put {' and '.join(missing)} into a folder "
        f"and name it: kerasal data fetch {info.name} --archives FOLDER"
    )
