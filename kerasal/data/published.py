"""The facts of the published datasets, and where they lie: known without reading any of their files."""

from dataclasses import replace
from pathlib import Path

from kerasal._files import users_folder
from kerasal.data.info import Archive, DatasetInfo
from kerasal.errors import InputError

OSIE_PAGE = "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels"
MIT1003_PAGE = "http://people.csail.mit.edu/tjudd/WherePeopleLook"
SALICON_PAGE = "http://salicon.net"
SALICON_IMAGES = Archive("images.zip", "", "eb2a1bb706633d1b31fc2e01422c5757")

SALICON_2015 = DatasetInfo(
    name="salicon-2015",
    title="SALICON 2015, MS COCO photographs, mouse tracking",
    images=15_000,
    size="640x480",
    observers="a crowd, their number varies",
    seconds=5,
    fixations=4_834_188,  # 3,171,533 of the training and 1,662,655 of the validation set
    sigma=19,
    pixels_per_degree=None,
    licence="images: MS COCO's terms (Flickr, Creative Commons kinds); annotations: none stated",
    citation="Jiang, Huang, Duan and Zhao, CVPR 2015",
    page=f"{SALICON_PAGE}/challenge-2015/",
    layout="images/{train,val}/COCO_*.jpg, train/COCO_*.mat, val/COCO_*.mat",
    split="test: the official validation set; of the official training set 95 % train and 5 % validation, "
    "in the order of SHA-256('salicon/NAME'); the official test set's fixations are not public",
    defects=(
        "mouse tracking, not eye tracking; workers have no names and vary from image to image",
        "the .mat files count from 1: 1 is subtracted",
    ),
    archives=(SALICON_IMAGES, Archive("fixations.zip", "", "9a22db9d718200fb90252e5010c004c4")),
    by_hand="Google Drive hands these files to browsers: from the page above get images.zip "
    "(id 1g8j-hTT-51IG1UFwP0xTGhLdgIUCW5e5) and fixations.zip (id 1WVEiXba-I4GN33f0uUl4KhaN1rK7qzs6)",
)
SALICON_2017 = replace(
    SALICON_2015,
    name="salicon-2017",
    title="SALICON 2017, MS COCO photographs, mouse tracking",
    fixations=7_175_026,  # 4,598,112 of the training and 2,576,914 of the validation set
    page=f"{SALICON_PAGE}/challenge-2017/",
    archives=(SALICON_IMAGES, Archive("fixations.zip", "", "462b70f4f9e8ea446ac628e46cea8d3d")),
    by_hand=SALICON_2015.by_hand.replace(
        "1WVEiXba-I4GN33f0uUl4KhaN1rK7qzs6", "1P-jeZXCsjoKO79OhFUgnj6FGcyvmLDPj"
    ),
)

# By name, in the order of `kerasal data list`. Entries look alike, each written out: facts are looked up,
# and to share a line among them would make it harder to see of which it is one.
INFO: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            name="osie",
            title="OSIE, photographs",
            images=700,
            size="800x600",
            observers="15",
            seconds=3,
            fixations=98_321,
            sigma=24,
            pixels_per_degree=24,
            licence="MIT",
            citation="Xu, Jiang, Wang, Kankanhalli and Zhao, Journal of Vision 2014",
            page=OSIE_PAGE,
            layout="stimuli/1001.jpg ... 1700.jpg, eye/fixations.mat",
            split="sorted by name: 500 train, 100 validation, 100 test",
            defects=(
                "whether coordinates count from 0 or 1 is not said: they are taken as they are",
                "three fix_y arrays are uint8; one fixation is repeated",
            ),
            archives=(
                Archive("predicting-human-gaze-beyond-pixels-master.zip", f"{OSIE_PAGE}/archive/master.zip"),
            ),
        ),
        DatasetInfo(
            name="scene",
            title="Scene, photographs",
            images=500,
            size="250x197 to 3888x2592",
            observers="12",
            seconds=5,
            fixations=43_894,
            sigma="3 % of the longer side",
            pixels_per_degree=None,
            licence="MIT",
            citation="Liang, Jiang, Liang and Zhao, Saliency Prediction with Scene Structural Guidance",
            page="https://github.com/Yanakz/Scene",
            layout="stimuli/001.jpg ... 500.jpg, tidy/fixations.mat",
            split="350 train, 50 validation, 100 test, in the order of SHA-256('scene/NNN')",
            defects=(
                "fixations are stored y before x and count from 1: both are put right",
                "six fixations lie between 0 and 1, within a pixel off the image: they are put on its border",
                "sigma is an assumption: 3 % of the longer side, OSIE's share",
            ),
            by_hand="the loader reads the tidied copy, whose fixations are one cell array of images by "
            "observers",
        ),
        DatasetInfo(
            name="mit1003",
            title="MIT1003, photographs",
            images=1003,
            size="longest side 1024",
            observers="15",
            seconds=3,
            fixations=104_171,
            sigma=24,
            pixels_per_degree=34,
            licence="none stated; research use with citation, no redistribution",
            citation="Judd, Ehinger, Durand and Torralba, ICCV 2009",
            page=f"{MIT1003_PAGE}/index.html",
            layout="ALLSTIMULI/NAME.jpeg, DATA/OBSERVER/NAME.mat",
            split="500 train, 200 validation, the rest test, in the order of SHA-256('mit1003/NAME')",
            defects=(
                "gaze samples, not fixations: they are found by the authors' method, ported",
                "the first fixation of each observer is left out: it lies at the fixation cross",
                "variables in the .mat files are cut to 63 characters: they are not looked up by name",
            ),
            archives=(
                Archive(
                    "ALLSTIMULI.zip", f"{MIT1003_PAGE}/ALLSTIMULI.zip", "0d7df8b954ecba69b6796e77b9afe4b6"
                ),
                Archive("DATA.zip", f"{MIT1003_PAGE}/DATA.zip", "ea19d74ad0a0144428c53e9d75c2d71c"),
            ),
        ),
        DatasetInfo(
            name="cat2000",
            title="CAT2000 (training set), 20 categories",
            images=2000,
            size="1920x1080",
            observers="18, pooled",
            seconds=5,
            fixations=None,
            sigma=48,
            pixels_per_degree=38,
            licence="none stated; research use",
            citation="Borji and Itti 2015, arXiv 1505.03581",
            page="http://saliency.mit.edu/results_cat2000.html",
            layout="Stimuli/CATEGORY/NNN.jpg, FIXATIONLOCS/CATEGORY/NNN.mat",
            split="of each category 70 train, 15 validation, 15 test, in the order of "
            "SHA-256('cat2000/NAME')",
            defects=(
                "smaller pictures are padded with grey: --crop-borders takes it away",
                "fixation maps pool the observers; fixations on one pixel count once",
                "per-observer data is a MATLAB map object that only MATLAB reads",
                "the test set's fixations are not public",
            ),
            archives=(
                Archive(
                    "trainSet.zip", "http://saliency.mit.edu/trainSet.zip", "56ad5c77e6c8f72ed9ef2901628d6e48"
                ),
            ),
        ),
        DatasetInfo(
            name="fiwi",
            title="FiWi, screenshots of web pages",
            images=149,
            size="1360x768 or 1366x768",
            observers="11, pooled",
            seconds=5,
            fixations=None,
            sigma=30,
            pixels_per_degree=None,
            licence="none stated; research use",
            citation="Shen and Zhao, ECCV 2014",
            page="https://www-users.cse.umn.edu/~qzhao/webpage_saliency.html",
            layout="stimuli/NAME.png, eyeMaps/all5/NAME.png",
            split="70 % train, 15 % validation, the rest test, in the order of SHA-256('fiwi/NAME')",
            defects=("point maps pool the observers and the time; fixations on one pixel count once",),
            archives=(
                Archive(
                    "webpage_dataset.zip",
                    "https://www.dropbox.com/s/30nxg2uwd1wpb80/webpage_dataset.zip?dl=1",
                ),
            ),
        ),
        SALICON_2015,
        SALICON_2017,
        DatasetInfo(
            name="toronto",
            title="Toronto, photographs",
            images=120,
            size="681x511",
            observers="20, pooled",
            seconds=4,
            fixations=11_199,
            sigma=32,
            pixels_per_degree=32,
            licence="none stated; research use",
            citation="Bruce and Tsotsos, NIPS 2005",
            page="http://www-sop.inria.fr/members/Neil.Bruce/#SOURCECODE",
            layout="Original Image Set/N.jpg, origfixdata.mat",
            split="70 % train, 15 % validation, the rest test, in the order of SHA-256('toronto/N')",
            defects=(
                "fixation maps pool the observers; fixations on one pixel count once",
                "the per-observer .fix files are in undocumented screen coordinates: not used",
            ),
            archives=(
                Archive(
                    "eyetrackingdata.zip",
                    "http://www-sop.inria.fr/members/Neil.Bruce/eyetrackingdata.zip",
                    "38d5c02217060d4d2d1a4649cc632af1",
                ),
            ),
        ),
    )
}


def facts(name: str) -> DatasetInfo:
    """The facts of a published dataset. InputError: not one of `INFO`."""
    if name not in INFO:
        raise InputError(f"unknown dataset {name!r}: one of {', '.join(INFO)}")
    return INFO[name]


def default_folder(name: str) -> Path:
    """Where a named dataset lies if nobody says: $KERASAL_DATA/NAME, else ~/.kerasal/data/NAME."""
    return users_folder("KERASAL_DATA", ".kerasal/data") / name
