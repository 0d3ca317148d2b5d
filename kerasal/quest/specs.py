"""Which losses a quest compares: names of lists, or specs."""

import itertools
import re
from collections.abc import Iterable

from kerasal import losses
from kerasal.errors import InputError
from kerasal.quest.paper import FIGURE_3, LC1, LC2, TABLE_2

# What later networks are trained with, and where that was read: paper, repository, file.
MODERN: dict[str, str] = {
    "10*kld+2*cc+sim+nss+5*mse": "SUM (Hosseini et al. 2024, arXiv:2406.17815): Arhosseini77/SUM, train.py",
    "10*kld+2*cc+sim+nss": "TranSalNet (Lou et al. 2022): LJOVO/TranSalNet, fine-tune&train.ipynb",
    "1*kld+1*cc+sim": "ViNet (Jain et al. 2021, arXiv:2012.06170): samyak0210/ViNet, utils.py, with its "
    "terms cc and sim; its default is kld alone",
    "1*kld+1*cc": "TempSAL (Aydemir et al. 2023): IVRL/Tempsal, src/train_cleaned.py; ViNet-A (Girmaji et "
    "al. 2025, arXiv:2502.00397): ViNet-Saliency/vinet_v2, ViNet_A/bash_scripts/run_train_dhf1k.sh",
    "1*kld+0.1*nss+0.1*cc": "UNISAL (Droste et al. 2020, arXiv:2003.05477): rdroste/unisal, "
    "training_runs/pretrained_unisal/Trainer.json",
    "kld": "MSI-Net (Kroner et al. 2020, arXiv:1902.06634): alexanderkroner/saliency, loss.py",
    "nll": "DeepGaze (Linardos et al. 2021): matthias-k/DeepGaze, deepgaze_pytorch/training.py",
}

LISTS: dict[str, tuple[str, ...]] = {
    "table2": tuple(row.spec for row in TABLE_2),
    "table3": ("mlnet-mse", LC1, LC2),
    "figure3": FIGURE_3,
    "modern": tuple(MODERN),
}


def parse_losses(text: str) -> list[str]:
    """Canonical specs from a list of specs and names of `LISTS`, parted by commas: "mse, kld+cc+nss, lc2".

    A loss that comes twice counts once, in whatever order its terms stand, and one of a list is called as
    there: so lc1 and lc2 are the sums of the paper's tables. InputError: an empty list, or what
    `kerasal.losses.parse` refuses.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise InputError(f"an empty name among the losses {text!r}: give specs parted by commas, or table2")
    specs = [spec for part in parts for spec in LISTS.get(part) or [losses.canonical(part)]]
    return called_as(itertools.chain(*LISTS.values()), specs)


def called_as(known: Iterable[str], specs: Iterable[str], *, scaled: bool = False) -> list[str]:
    """Specs, each once: one that has the terms of a known one, or of one before it, takes that one's name.

    scaled: so does one whose coefficients are a known one's times a factor, to three digits.
    """
    names = {_terms(spec, scaled): spec for spec in known}
    return list(dict.fromkeys(names.setdefault(_terms(spec, scaled), spec) for spec in specs))


def in_order(specs: Iterable[str]) -> list[str]:
    """Specs in Table 2's order, others behind in the order that they come in."""
    place = {spec: index for index, spec in enumerate(LISTS["table2"])}
    return sorted(dict.fromkeys(specs), key=lambda spec: place.get(spec, len(place)))


def family(spec: str) -> str:
    """The family of a loss, as the paper groups them: "pixel", "combination" and so on."""
    return losses.get(spec).family


def slug(spec: str) -> str:
    """A spec as a file's name: "w-bce-0.9" for w-bce(0.9). Different canonical specs have different ones."""
    return re.sub(r"[^\w+.-]+", "-", spec).strip("-")


def _terms(spec: str, scaled: bool) -> tuple:
    """The terms of a spec in an order of their own: the same for kld+cc and cc+kld."""
    terms = losses.expand(spec)
    if scaled:
        unit = max(term.coefficient for term in terms)
        terms = [term._replace(coefficient=float(f"{term.coefficient / unit:.3g}")) for term in terms]
    return tuple(sorted(terms))
