"""A signal of drift in plain words: what there is, what there was, and what a difference may mean."""

from __future__ import annotations

from ml.drift import FEWEST, LEVEL, REASONS, Figures, Name, Signal

PERIOD = "of the last 30 days"
UNKNOWN = (
    "This version was made before it was kept what its holdout showed: there is nothing to compare with."
)
NO_DISTANCE = "This version measures no distance."

MORE_OPEN = {
    "NOT_A_CHEST_XRAY": "More pictures are taken for no chest X-rays.",
    "OUT_OF_DISTRIBUTION": "More films are unlike those that it learned from, or turned or lateral: perhaps "
    "of another device, or of other patients.",
    "UNCERTAIN": "More films lie in the band that its calibration leaves open: perhaps of other patients, or "
    "of another device.",
}
MEANINGS: dict[tuple[Name, bool], str] = {
    ("ABSTENTIONS", False): "Perhaps the patients are easier to tell apart, or many films are of one kind.",
    (
        "PROBABILITY",
        True,
    ): "Perhaps more of the patients have COVID than of those who judged the model, which "
    "is no fault of it; or films of another device, or of other patients, look like COVID to it. Labels tell "
    "which.",
    ("PROBABILITY", False): "Perhaps fewer of the patients have COVID than of those who judged the model, "
    "which is no fault of it; or it misses COVID on films of another device. Labels tell which.",
    ("DISTANCE", True): "The films look less like those that it learned from: perhaps of another device, "
    "with other settings, or of other patients, such as children.",
    ("DISTANCE", False): "The films look more alike than those that judged it: perhaps of few patients, or "
    "copies.",
    ("AGREEMENT", True): "Perhaps people looked at the finding before they labelled, or the images are "
    "easier.",
    (
        "AGREEMENT",
        False,
    ): "Perhaps it does worse here; or the labels are wrong, or of harder images, as those "
    "of the label queue are.",
}


def sentence(signal: Signal, reference: Figures | None, month: Figures) -> str:
    """One signal in two or three sentences."""
    if reference is None:
        return UNKNOWN
    if signal.difference is None:
        return _too_few(signal, reference)
    found = signal.difference
    compared = (
        f"{_compared(signal, reference)}: a difference of {_signed(signal, found.value)} "
        f"({100 * LEVEL:.0f} % interval {_signed(signal, found.low)} to {_signed(signal, found.high)})"
    )
    if not signal.differs:
        return f"{compared}, not surely beyond the margin of {_size(signal)}."
    return f"{compared}, beyond the margin of {_size(signal)}. {_meaning(signal, reference, month)}"


def _too_few(signal: Signal, reference: Figures) -> str:
    if signal.reference is None and signal.name == "DISTANCE":
        return NO_DISTANCE
    if signal.images >= FEWEST:
        known = " and have a finding" if signal.name == "AGREEMENT" else ""
        return f"Fewer than {FEWEST} images judged this version{known}: too few to compare with."
    which = {
        "AGREEMENT": " with a finding and a label",
        "DISTANCE": " whose distance is known",
    }.get(signal.name, "")
    return f"Images {PERIOD}{which}: {signal.images}. These are too few to compare, {FEWEST} are needed."


def _compared(signal: Signal, reference: Figures) -> str:
    now, then = _value(signal, signal.now), _value(signal, signal.reference)
    if signal.name == "ABSTENTIONS":
        return (
            f"The model gave no finding on {now} of {signal.images:,} images {PERIOD}, and on {then} of the "
            f"{reference.images:,} that judged it"
        )
    if signal.name == "AGREEMENT":
        return (
            f"The finding was the label's on {now} of {signal.images:,} images {PERIOD}, and on {then} of "
            f"the {reference.labelled:,} that judged the model"
        )
    what = "mean probability of COVID" if signal.name == "PROBABILITY" else "mean distance from known chests"
    judges = "those that judged the model"
    return f"The {what} was {now} on {signal.images:,} images {PERIOD}, and {then} on {judges}"


def _meaning(signal: Signal, reference: Figures, month: Figures) -> str:
    assert signal.difference is not None
    higher = signal.difference.value > 0
    if signal.name == "ABSTENTIONS" and higher:
        return MORE_OPEN[max(REASONS, key=lambda reason: _share(month, reason) - _share(reference, reason))]
    return MEANINGS[signal.name, higher]


def _share(figures: Figures, reason: str) -> float:
    return figures.abstained.get(reason, 0) / figures.images


def _is_share(signal: Signal) -> bool:
    return signal.name in ("ABSTENTIONS", "AGREEMENT")


def _value(signal: Signal, value: float | None) -> str:
    if value is None:
        return "none"
    return f"{100 * value:.0f} %" if _is_share(signal) else f"{value:.2f}"


def _signed(signal: Signal, value: float) -> str:
    return f"{100 * value:+.0f}" if _is_share(signal) else f"{value:+.2f}"


def _size(signal: Signal) -> str:
    return f"{100 * signal.margin:.0f} percentage points" if _is_share(signal) else f"{signal.margin:.2f}"
