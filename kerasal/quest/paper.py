"""The paper's own numbers, as data: Tables 1 to 4 and the CCs of Figure 4.

Source: Bruckert, Tavakoli, Liu, Christie and Le Meur, "Deep Saliency Models: the Quest for the Loss
Function", Neurocomputing 453, 2021; as printed in hal-02264898v1 (CC BY 4.0). Trained on 500 images of
MIT1003, scored on 299 (section 4.1). Keys of metrics are those of `kerasal.metrics.METRICS`.
"""

import re
from dataclasses import dataclass

METRICS = ("cc", "sim", "auc_judd", "auc_borji", "nss", "emd", "kld")  # Table 2's, in its order

# Table 1: systems on MIT1003's test images, in its columns' order.
TABLE_1_METRICS = ("cc", "sim", "auc_judd", "auc_borji", "nss")
OUR_MODEL = "Our model"  # the network `baseline`, trained with mse
TABLE_1 = {
    "Itti": (0.28, 0.35, 0.71, 0.71, 0.79),
    "Rare2012": (0.46, 0.43, 0.78, 0.79, 1.40),
    "GBVS": (0.49, 0.44, 0.81, 0.81, 1.38),
    "AWS": (0.39, 0.40, 0.75, 0.76, 1.22),
    "Sam-ResNet": (0.68, 0.60, 0.85, 0.79, 2.43),
    "SalGan": (0.70, 0.58, 0.86, 0.86, 2.17),
    "Sam-VGG": (0.64, 0.57, 0.85, 0.78, 2.19),
    "ShallowNet": (0.59, 0.47, 0.83, 0.84, 1.62),
    "DeepConvNet": (0.60, 0.49, 0.84, 0.85, 1.73),
    OUR_MODEL: (0.64, 0.45, 0.81, 0.84, 2.04),
}


def table_1_row(model: str, loss: str | None = None) -> str | None:
    """The row of Table 1 that a model of `kerasal models` stands in, by its name; None: it stands in none.

    The paper does not say which Itti it took, so every variant stands in that row; "baseline" does only as
    trained there, with the loss "mse".
    """
    if model == "baseline":
        return OUR_MODEL if loss == "mse" else None
    name = re.sub("[^a-z0-9]", "", model.lower().split("-")[0] if model.startswith("itti") else model.lower())
    return next((row for row in TABLE_1 if re.sub("[^a-z0-9]", "", row.lower()) == name), None)


@dataclass(frozen=True)
class Row:
    """A row of Table 2: the loss as the paper prints it and as a spec, and its seven values."""

    printed: str
    spec: str
    values: tuple[float, ...]

    def value(self, metric: str) -> float:
        return self.values[METRICS.index(metric)]


# Coefficients as in section 3.2.6: 10 KLD, 2 CC, 1 NSS, every other 1; LC2's SIG-MSE has lambda 0.55.
TABLE_2 = tuple(
    Row(*row)
    for row in (
        # Pixel-based loss functions.
        ("MSE", "mse", (0.6388, 0.4492, 0.8118, 0.8363, 2.0580, 2.3279, 0.9472)),
        ("EAD", "ead", (0.6725, 0.4790, 0.8326, 0.8428, 2.2133, 2.1744, 0.8592)),
        ("AE", "ae", (0.6426, 0.4443, 0.8145, 0.8322, 2.1388, 2.3782, 0.9616)),
        ("MLNET-MSE", "mlnet-mse", (0.6904, 0.5962, 0.8416, 0.8245, 2.2468, 1.3581, 1.6042)),
        ("SIG-MSE (λ = 0.25)", "sig-mse(0.25)", (0.6929, 0.5896, 0.8512, 0.8438, 2.1897, 1.4120, 0.9876)),
        ("SIG-MSE (λ = 0.55)", "sig-mse", (0.6725, 0.5646, 0.8505, 0.8542, 2.0799, 1.5137, 0.8478)),
        ("SIG-MSE (λ = 0.75)", "sig-mse(0.75)", (0.6440, 0.5280, 0.8512, 0.8637, 1.9480, 1.7100, 0.7686)),
        # Distribution-based.
        ("BCE", "bce", (0.6616, 0.4712, 0.8231, 0.8380, 2.1229, 2.2600, 0.8899)),
        ("W-BCE w = 0.9", "w-bce(0.9)", (0.6333, 0.4287, 0.8308, 0.8519, 1.8734, 2.4793, 1.0003)),
        ("W-BCE w = 0.8", "w-bce(0.8)", (0.6363, 0.4273, 0.8305, 0.8531, 1.8909, 2.5026, 1.0067)),
        ("W-BCE w = 0.7", "w-bce(0.7)", (0.6409, 0.4308, 0.8179, 0.8396, 1.9636, 2.4824, 0.9976)),
        ("W-BCE w = 0.6", "w-bce(0.6)", (0.6478, 0.4335, 0.8182, 0.8412, 2.0135, 2.4800, 0.9862)),
        ("W-BCE w = 0.5", "w-bce", (0.6739, 0.4305, 0.8420, 0.8582, 2.0911, 2.4713, 0.9871)),
        ("W-BCE w = 0.4", "w-bce(0.4)", (0.6443, 0.3992, 0.8301, 0.8468, 2.0166, 2.6625, 1.0949)),
        ("Focal Loss", "focal", (0.6530, 0.4294, 0.8197, 0.8403, 1.9552, 2.4839, 0.9738)),
        ("KLD", "kld", (0.6326, 0.4893, 0.8356, 0.8541, 1.7913, 2.0609, 0.8336)),
        ("Bhat", "bhat", (0.6203, 0.5029, 0.8429, 0.8567, 1.7321, 1.9209, 0.7909)),
        ("NLL", "nll", (0.6251, 0.4973, 0.8407, 0.8559, 1.7856, 1.8734, 0.7955)),
        # Saliency-inspired.
        ("CC", "cc", (0.6943, 0.4994, 0.8411, 0.8386, 1.8201, 2.1378, 0.9157)),
        ("NSS", "nss", (0.6740, 0.4325, 0.8397, 0.8216, 2.3142, 2.9964, 1.3498)),
        # Perceptual-based.
        ("Deep Features (DF)", "df", (0.6065, 0.4772, 0.8308, 0.8259, 1.9731, 3.7546, 0.9675)),
        ("Gram Matrices (GM)", "gm", (0.5911, 0.4964, 0.8371, 0.8312, 1.8357, 2.0455, 1.1993)),
        # Linear combinations.
        ("SIG-MSE + R", "sig-mse+r", (0.6813, 0.5611, 0.8507, 0.8373, 1.9734, 3.1471, 0.8349)),
        ("KLD + CC + NSS", "10*kld+2*cc+nss", (0.7288, 0.5754, 0.8512, 0.8487, 2.2464, 2.1340, 0.9571)),
        (
            "KLD + CC + NSS + DF + GM",
            "10*kld+2*cc+nss+df+gm",
            (0.7192, 0.5790, 0.8492, 0.8536, 1.9652, 2.3101, 0.9387),
        ),
        ("KLD + CC + NSS + R", "10*kld+2*cc+nss+r", (0.7176, 0.5683, 0.8579, 0.8520, 2.2147, 2.8808, 0.8912)),
        (
            "KLD + CC + NSS + DF + GM + SIG-MSE + R",
            "10*kld+2*cc+nss+df+gm+sig-mse+r",
            (0.7291, 0.5817, 0.8585, 0.8563, 2.2094, 2.5517, 0.8010),
        ),
    )
)

# Tables 3 and 4 have the first five metrics alone.
LC1, LC2 = "10*kld+2*cc+nss+r", "10*kld+2*cc+nss+df+gm+sig-mse+r"
TABLE_3 = {
    "CAT2000": {
        "mlnet-mse": (0.508, 0.4017, 0.8221, 0.8016, 1.9486),
        LC1: (0.5535, 0.4261, 0.8273, 0.8187, 1.9332),
        LC2: (0.5937, 0.4203, 0.8309, 0.8372, 1.9375),
    },
    "FiWi": {
        "mlnet-mse": (0.3954, 0.3872, 0.7312, 0.7114, 0.8050),
        LC1: (0.4118, 0.4157, 0.7621, 0.7390, 0.8214),
        LC2: (0.4236, 0.4183, 0.7636, 0.7681, 0.8205),
    },
}
TABLE_4 = {  # SAM-VGG, retrained on MIT1003
    "mlnet-mse": (0.7351, 0.6769, 0.8521, 0.7884, 2.0037),
    LC1: (0.7499, 0.6502, 0.8635, 0.7912, 2.1694),
    LC2: (0.7511, 0.6472, 0.8712, 0.8017, 2.0741),
}
FIGURE_4 = {LC2: (0.8681, 0.7967), "mlnet-mse": (0.4320, 0.4491)}  # CC of its two stimuli

# Figure 3, panels (c) to (i).
FIGURE_3 = (LC2, "nss", LC1, "mlnet-mse", "kld", "sig-mse", "cc")
