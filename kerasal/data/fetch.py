"""Getting a dataset: its archives from the user's disk or the official page, checked, unpacked safely."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from kerasal.data.disk import new_folder
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
        archives: a folder where archives lie that are there already, under their names; what is not there
            is downloaded into it. Default: FOLDER.archives beside the folder; kept if something fails, so that
            a second try goes on from there, and removed at the end if it was made here.
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
    files = [_local(archive, store) for archive in info.archives]
    missing = [a.name for a, file in zip(info.archives, files, strict=True) if not (file or a.address)]
    if missing or not info.archives:
        raise InputError(_by_hand(info, folder, missing))
    own = archives is None and not store.exists()
    for index, archive in enumerate(info.archives):
        if files[index] is None:
            report(f"downloading {archive.name} from {archive.address}")
            target = store / archive.name
            files[index] = download(archive.address, target, progress=watch(archive.name), timeout=timeout)
            check_md5(files[index], archive, downloaded=True)
        else:
            report(f"taking {files[index]}")
            check_md5(files[index], archive)
    with new_folder(folder) as partial:
        for archive, file in zip(info.archives, files, strict=True):
            report(f"unpacking {archive.name}")
            (partial / archive.into).mkdir(parents=True, exist_ok=True)
            extract(file, partial / archive.into, archive.inside)
    if own:
        for file in files:
            file.unlink()
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
            f"{file} has the MD5 {digest.hexdigest()} and {archive.md5} is expected: it was cut off or is another "
            "edition; " + ("try again" if downloaded else "remove it and try again")
        )


def _local(archive: Archive, store: Path) -> Path | None:
    return next((path for path in (store / archive.name,) if path.is_file()), None)


def _by_hand(info: DatasetInfo, folder: Path, missing: list[str]) -> str:
    if not info.archives:
        return f"{info.title} has to be got by hand from {info.page}: {info.by_hand}; put it into {folder}"
    return (
        f"{info.title} has to be got by hand: {info.by_hand}. Put {' and '.join(missing)} into a folder and name "
        f"it: kerasal data fetch {info.name} --archives FOLDER"
    )
