"""The networks as data: a row for each, which imports no Keras until its class is wanted."""

from dataclasses import dataclass, replace
from pkgutil import resolve_name


@dataclass(frozen=True)
class NetworkInfo:
    """One network, at its defaults.

    Attributes:
        name: on the command line.
        network: its class, or where that lies: "sam:SAMVGG" is in `kerasal/models/sam.py`.
        title: as printed.
        year: of the reference.
        reference: the paper.
        kind: what it is, in a few words.
        parameters: how many, those of a frozen backbone included.
        weights: which are at hand, or where to get them.
        licence: of this implementation, and of the weights.
        recipe: what "default" stands for, a name of `kerasal.training.RECIPES`.
        original: the format of its authors' weights file ("keras-1", "lasagne" or "caffe"), and how many
            layers with weights (Keras 1) or arrays (Lasagne) tell it from others; None where none is known.
    """

    name: str
    network: str | type
    title: str
    year: int
    reference: str
    kind: str
    parameters: int
    weights: str
    licence: str
    recipe: str = "default"
    original: tuple[str, int] | None = None

    @property
    def network_class(self) -> type:
        """Its class, which is imported for it."""
        if isinstance(self.network, str):
            found: type = resolve_name(f"kerasal.models.{self.network}")
            return found
        return self.network


_SAM = (
    "Cornia, Baraldi, Serra and Cucchiara, Predicting human eye fixations via an LSTM-based saliency "
    "attentive model, IEEE Transactions on Image Processing 2018"
)
_SHALLOW_AND_DEEP = (
    "Pan, McGuinness, Sayrol, O'Connor and Giro-i-Nieto, Shallow and deep convolutional networks for "
    "saliency prediction, CVPR 2016"
)

# Each row is written out in full, though rows look alike: it is read, and changed, by itself.
NETWORKS: dict[str, NetworkInfo] = {
    info.name: info
    for info in (
        NetworkInfo(
            name="baseline",
            network="baseline:Baseline",
            title="Baseline",
            year=2021,
            reference="Bruckert, Tavakoli, Liu, Christie and Le Meur, Deep saliency models: the quest for "
            "the loss function, Neurocomputing 2021",
            kind="frozen VGG-16, small head",
            parameters=16_337_089,
            weights="backbone ships; kerasal train",
            licence="MIT, CC BY 4.0",
        ),
        NetworkInfo(
            name="light",
            network="baseline:Light",
            title="Light",
            year=2021,
            reference="The baseline's head on the convolutions of Tan and Le, EfficientNet: rethinking model "
            "scaling for convolutional neural networks, ICML 2019, in their Lite2 variant",
            kind="EfficientNet-Lite2, small head",
            parameters=5_418_057,
            weights="backbone ships; kerasal train",
            licence="MIT, Apache-2.0",
            recipe="light",
        ),
        NetworkInfo(
            name="sam-vgg",
            network="sam:SAMVGG",
            title="SAM-VGG",
            year=2018,
            reference=_SAM,
            kind="VGG-16, attentive ConvLSTM",
            parameters=51_835_841,
            weights="kerasal weights download",
            licence="MIT",
            recipe="sam",
            original=("keras-1", 19),
        ),
        NetworkInfo(
            name="sam-resnet",
            network="sam:SAMResNet",
            title="SAM-ResNet",
            year=2018,
            reference=_SAM,
            kind="ResNet-50, attentive ConvLSTM",
            parameters=70_146_561,
            weights="kerasal weights download",
            licence="MIT",
            recipe="sam",
            original=("keras-1", 113),
        ),
        NetworkInfo(
            name="salgan",
            network="salgan:SalGAN",
            title="SalGAN",
            year=2017,
            reference="Pan, Canton, McGuinness, O'Connor, Torres, Sayrol and Giro-i-Nieto, SalGAN: visual "
            "saliency prediction with generative adversarial networks, arXiv 1701.01081",
            kind="VGG-16, mirrored, adversary",
            parameters=31_787_009,
            weights="kerasal weights download",
            licence="MIT",
            recipe="salgan",
            original=("lasagne", 54),
        ),
        NetworkInfo(
            name="mlnet",
            network="mlnet:MLNet",
            title="ML-Net",
            year=2016,
            reference="Cornia, Baraldi, Serra and Cucchiara, A deep multi-level network for saliency "
            "prediction, ICPR 2016",
            kind="VGG-16, three levels, prior",
            parameters=15_452_145,
            weights="from its authors",
            licence="MIT",
            recipe="mlnet",
            original=("keras-1", 16),
        ),
        NetworkInfo(
            name="deepconvnet",
            network="deepconvnet:DeepConvNet",
            title="DeepConvNet (SalNet)",
            year=2016,
            reference=_SHALLOW_AND_DEEP,
            kind="ten convolutions",
            parameters=25_806_209,
            weights="kerasal weights download",
            licence="MIT",
            recipe="deepconvnet",
            original=("caffe", 1),
        ),
        NetworkInfo(
            name="shallownet",
            network="shallownet:ShallowNet",
            title="ShallowNet (JuntingNet)",
            year=2016,
            reference=_SHALLOW_AND_DEEP,
            kind="three convolutions, two dense",
            parameters=34_864_384,
            weights="from its authors",
            licence="MIT",
            recipe="shallownet",
            original=("lasagne", 10),
        ),
    )
}

# Networks that helped to train another and predict no maps, and whose weights are published too.
HELPERS: dict[str, NetworkInfo] = {
    "salgan-discriminator": replace(
        NETWORKS["salgan"],
        name="salgan-discriminator",
        network="salgan:SalGANDiscriminator",
        original=("lasagne", 20),
    )
}
