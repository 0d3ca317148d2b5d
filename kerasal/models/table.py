"""The networks as data: what `kerasal models` and documents read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkInfo:
    """One network of `MODELS`, at its defaults.

    Attributes:
        name: on the command line.
        title: as printed.
        year: of the reference.
        reference: the paper.
        kind: what it is, in a few words.
        parameters: how many, those of a frozen backbone included.
        weights: which are at hand, or where to get them.
        licence: of this implementation, and of the weights.
    """

    name: str
    title: str
    year: int
    reference: str
    kind: str
    parameters: int
    weights: str
    licence: str


# In the order of `MODELS`.
NETWORKS: dict[str, NetworkInfo] = {
    info.name: info
    for info in (
        NetworkInfo(
            name="baseline",
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
            title="Light",
            year=2021,
            reference="The baseline's head on the convolutions of Tan and Le, EfficientNet: rethinking model "
            "scaling for convolutional neural networks, ICML 2019, in their Lite2 variant",
            kind="EfficientNet-Lite2, small head",
            parameters=5_418_057,
            weights="backbone ships; kerasal train",
            licence="MIT, Apache-2.0",
        ),
        NetworkInfo(
            name="sam-vgg",
            title="SAM-VGG",
            year=2018,
            reference="Cornia, Baraldi, Serra and Cucchiara, Predicting human eye fixations via an "
            "LSTM-based saliency attentive model, IEEE Transactions on Image Processing 2018",
            kind="VGG-16, attentive ConvLSTM",
            parameters=51_835_841,
            weights="kerasal weights download",
            licence="MIT",
        ),
        NetworkInfo(
            name="sam-resnet",
            title="SAM-ResNet",
            year=2018,
            reference="Cornia, Baraldi, Serra and Cucchiara, Predicting human eye fixations via an "
            "LSTM-based saliency attentive model, IEEE Transactions on Image Processing 2018",
            kind="ResNet-50, attentive ConvLSTM",
            parameters=70_146_561,
            weights="kerasal weights download",
            licence="MIT",
        ),
        NetworkInfo(
            name="salgan",
            title="SalGAN",
            year=2017,
            reference="Pan, Canton, McGuinness, O'Connor, Torres, Sayrol and Giro-i-Nieto, SalGAN: visual "
            "saliency prediction with generative adversarial networks, arXiv 1701.01081",
            kind="VGG-16, mirrored, adversary",
            parameters=31_787_009,
            weights="kerasal weights download",
            licence="MIT",
        ),
        NetworkInfo(
            name="mlnet",
            title="ML-Net",
            year=2016,
            reference="Cornia, Baraldi, Serra and Cucchiara, A deep multi-level network for saliency "
            "prediction, ICPR 2016",
            kind="VGG-16, three levels, prior",
            parameters=15_452_145,
            weights="from its authors",
            licence="MIT",
        ),
        NetworkInfo(
            name="deepconvnet",
            title="DeepConvNet (SalNet)",
            year=2016,
            reference="Pan, McGuinness, Sayrol, O'Connor and Giro-i-Nieto, Shallow and deep convolutional "
            "networks for saliency prediction, CVPR 2016",
            kind="ten convolutions",
            parameters=25_806_209,
            weights="kerasal weights download",
            licence="MIT",
        ),
        NetworkInfo(
            name="shallownet",
            title="ShallowNet (JuntingNet)",
            year=2016,
            reference="Pan, McGuinness, Sayrol, O'Connor and Giro-i-Nieto, Shallow and deep convolutional "
            "networks for saliency prediction, CVPR 2016",
            kind="three convolutions, two dense",
            parameters=34_864_384,
            weights="from its authors",
            licence="MIT",
        ),
    )
}
