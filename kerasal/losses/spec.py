"""The loss language: `kld+cc+nss`, `10*kld+2*cc+nss`, `sig-mse(0.25)+r`, `lc2`.

    spec = term, { "+", term }
    term = [ coefficient, "*" ], name, [ "(", argument, ")" ]

Names and arguments are those of table.py. A single term has coefficient 1. In a sum, a bare name takes the
paper's coefficient, and a written coefficient replaces it. Spaces count for nothing.
"""

import difflib
import math
import re
from typing import NamedTuple

import keras

from kerasal.errors import InputError
from kerasal.losses.combination import LC1, LC2, LinearCombination
from kerasal.losses.table import LOSSES


class SpecError(InputError):
    """A loss spec that cannot be read: one line, with the position (from 1) of what is wrong."""


class Term(NamedTuple):
    """One term of a spec, its coefficient and argument filled in."""

    coefficient: float
    name: str
    argument: float | None  # None for a name that takes none


def parse(spec: str) -> list[Term]:
    """The terms of a spec, in its order. SpecError: anything that is not a spec."""
    if not isinstance(spec, str):
        raise SpecError(f"a loss spec must be text such as 'kld+cc+nss'; got {type(spec).__name__}")
    reader = _Reader(spec)
    terms = [reader.term()]
    while reader.accept("+"):
        start = reader.start()
        term = reader.term()
        if term.name in [earlier.name for earlier in terms]:
            raise reader.error(f"{term.name} appears twice: a sum has each loss once", start)
        terms.append(term)
    reader.end()
    if not any(term.coefficient for term in terms):
        raise reader.error("every coefficient is 0: there is nothing to learn", 0)
    if len(terms) == 1:
        terms = [terms[0]._replace(coefficient=1.0 if reader.bare[0] else terms[0].coefficient)]
    return terms


def get(spec: str | keras.losses.Loss, center_bias=None) -> keras.losses.Loss:
    """The loss that a spec names: one loss, or a `LinearCombination`. A loss is returned as it is.

    `center_bias` is B of the regularisation R, for `r`, `lc1` and `lc2`, as `CenterBias` takes it;
    None leaves them their default, a Gaussian. SpecError as in `parse`.
    """
    if isinstance(spec, keras.losses.Loss):
        return spec
    terms = [(term.coefficient, _build(term, center_bias)) for term in parse(spec)]
    if len(terms) == 1 and terms[0][0] == 1:
        return terms[0][1]
    return LinearCombination(terms)


def expand(spec: str) -> list[Term]:
    """The terms of a spec with `lc1` and `lc2` resolved into theirs. SpecError as in `parse`."""
    terms = []
    for term in parse(spec):
        if LOSSES[term.name].loss in (LC1, LC2):
            inner = parse(LOSSES[term.name].formula)
            terms += [each._replace(coefficient=term.coefficient * each.coefficient) for each in inner]
        else:
            terms.append(term)
    return terms


def canonical(spec: str | keras.losses.Loss) -> str:
    """The one spelling of a spec or a loss, which parses back to itself: no spaces, no defaults.

    The coefficients of a sum are written, but for a 1 that a bare name has too. A centre bias is not
    part of the language. SpecError as in `parse`; InputError: a loss that the language has no words for.
    """
    terms = _terms_of(spec) if isinstance(spec, keras.losses.Loss) else parse(spec)
    text = "+".join(_spell(term, alone=len(terms) == 1) for term in terms)
    parse(text)  # of a loss made by hand, which may hold what the language refuses, such as w-bce twice
    return text


_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SPACE = re.compile(r"[ \t]*")


class _Reader:
    """Reads a spec from left to right."""

    def __init__(self, text):
        self.text = text
        self.position = 0
        self.bare = []  # for each term, whether it came without a coefficient

    def start(self):
        """The position of the next character that is no space."""
        self.position = _SPACE.match(self.text, self.position).end()
        return self.position

    def accept(self, sign):
        """Whether `sign` comes next; if so it is read."""
        found = self.text.startswith(sign, self.start())
        self.position += len(sign) * found
        return found

    def match(self, pattern):
        """The text that matches `pattern` here, read, or None."""
        match = pattern.match(self.text, self.start())
        if match is None:
            return None
        self.position = match.end()
        return match.group()

    def term(self):
        coefficient = self.coefficient()
        start = self.start()
        name = self.match(_WORD)
        if name is None:
            raise self.error("expected the name of a loss", start)
        if name not in LOSSES:
            raise self.error(self.unknown(name), start)
        self.bare.append(coefficient is None)
        argument = self.argument(name)
        return Term(LOSSES[name].coefficient if coefficient is None else coefficient, name, argument)

    def coefficient(self):
        """The coefficient and its star, read; None where there is none."""
        start = self.start()
        number = self.match(_NUMBER)
        if number is None:
            if self.text.startswith("-", start):
                raise self.error("a coefficient cannot be negative: every loss is minimised as it is", start)
            return None
        if not math.isfinite(float(number)):
            raise self.error("a coefficient must be finite", start)
        if not self.accept("*"):
            raise self.error(f"expected '*' and the name of a loss after {_quote(number)}", self.start())
        return float(number)

    def argument(self, name):
        """The argument in brackets, read, or the default."""
        parameter, default = LOSSES[name].parameter, LOSSES[name].default
        start = self.start()
        if not self.accept("("):
            return default
        if parameter is None:
            raise self.error(f"{name} takes no argument", start)
        start = self.start()
        sign = -1.0 if self.accept("-") else 1.0
        number = self.match(_NUMBER)
        if number is None:
            raise self.error(f"expected a number for {parameter}", start)
        if not self.accept(")"):
            raise self.error("expected ')'", self.start())
        try:
            LOSSES[name].loss(**{parameter: sign * float(number)})
        except InputError as error:
            raise self.error(str(error), start) from None
        return sign * float(number)

    def end(self):
        """SpecError unless all is read."""
        start = self.start()
        if start == len(self.text):
            return
        if self.text.startswith("*", start):
            raise self.error("a coefficient comes before the name, as in 10*kld", start)
        if self.text.startswith("-", start):
            raise self.error("a sum has no minus: every loss is minimised as it is", start)
        raise self.error(f"expected '+' or the end, got {_quote(self.text[start])}", start)

    def unknown(self, name):
        """What to say about a name that is not in the table."""
        if name.lower() in ("nan", "inf", "infinity"):
            return f"a coefficient must be finite, got {_quote(name)}"
        near = difflib.get_close_matches(name.lower(), LOSSES, n=3, cutoff=0.5)
        known = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(LOSSES)}"
        return f"unknown loss {_quote(name)}; {known}"

    def error(self, message, position):
        return SpecError(f"loss {_quote(self.text)}, position {position + 1}: {message}")


def _quote(text):
    """`text` on one line, shortened."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _build(term, center_bias):
    name = LOSSES[term.name]
    arguments = {} if name.parameter is None else {name.parameter: term.argument}
    if center_bias is not None and term.name in ("r", "lc1", "lc2"):
        arguments["center_bias"] = center_bias
    return name.loss(**arguments)


def _spell(term, alone):
    name = LOSSES[term.name]
    argument = "" if term.argument == name.default else f"({_number(term.argument)})"
    meant_by_bare = 1.0 if alone else name.coefficient
    coefficient = "" if term.coefficient == meant_by_bare == 1.0 else f"{_number(term.coefficient)}*"
    return f"{coefficient}{term.name}{argument}"


def _number(value):
    """The shortest text that reads back as `value`."""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(value)


def _terms_of(loss):
    """The terms of a loss, as `parse` gives those of its spec."""
    without_r = isinstance(loss, LC1 | LC2) and "r" not in [name for _, name, _ in loss.terms]
    if type(loss) is LinearCombination or without_r:
        return [_term_of(coefficient, term) for coefficient, _, term in loss.terms]
    return [_term_of(1.0, loss)]


def _term_of(coefficient, loss):
    """One loss as a term. InputError: the language has no words for it."""
    words = [word for word, name in LOSSES.items() if type(loss) is name.loss]
    if not words:
        raise InputError(f"{type(loss).__name__} is no loss that a spec has a name for: {', '.join(LOSSES)}")
    for word in words:
        parameter = LOSSES[word].parameter
        term = Term(coefficient, word, None if parameter is None else getattr(loss, parameter))
        if _options(_build(term, None)) == _options(loss):
            return term
    raise InputError(f"the loss {loss.name} has options that a loss spec cannot say: {_options(loss)}")


def _options(loss):
    """What a spec can say about a loss; its name, reduction and centre bias lie outside the language."""
    apart = ("name", "reduction", "center_bias")
    return {key: value for key, value in loss.get_config().items() if key not in apart}
