"""The items of CLAIM, the Checklist for Artificial Intelligence in Medical Imaging, which cards answer.

Mongan, Moy and Kahn 2020, in the numbering of the 2024 update (Tejani et al., Radiology: Artificial
Intelligence 6(4), e240300), each in our own short words.
"""

from collections.abc import Mapping
from typing import Final

ITEMS: Final[Mapping[int, str]] = {
    1: "the technology, named",
    2: "a structured summary",
    3: "background, intended use, clinical role",
    4: "aims and hypotheses",
    5: "prospective or retrospective",
    6: "the study's goal",
    7: "data sources",
    8: "inclusion and exclusion",
    9: "preprocessing",
    10: "selection of subsets",
    11: "de-identification",
    12: "missing data",
    13: "how images were acquired",
    14: "the reference standard",
    15: "why this reference standard",
    16: "who annotated",
    17: "annotation of the test set",
    18: "variability between and within raters",
    19: "assignment to partitions",
    20: "the level at which partitions are disjoint",
    21: "intended sample size",
    22: "the model in detail",
    23: "software",
    24: "initialisation",
    25: "training",
    26: "selection of the final model",
    27: "ensembling",
    28: "metrics",
    29: "uncertainty",
    30: "robustness",
    31: "explainability",
    32: "evaluation on internal data",
    33: "testing on external data",
    34: "trial registration",
    35: "numbers included and excluded",
    36: "demographic and clinical characteristics",
    37: "performance and its uncertainty",
    38: "diagnostic performance and its precision",
    39: "analysis of failures",
    40: "limitations",
    41: "implications for practice",
    42: "technical details elsewhere",
    43: "availability of software, model and data",
    44: "funding",
}

UNKNOWN: Final[Mapping[int, str]] = {
    13: "Unknown: the collections do not say it by film, and the platform does not keep it.",
    15: "Unknown: the labels were taken as the collections and the users gave them.",
    18: "Unknown: nobody has read the films a second time for this model.",
    21: "None was set: all images that there are take part.",
    34: "None: no trial has been registered, and none has been made.",
    36: "Unknown: sex, age, stage of the disease and equipment are kept of no image.",
    44: "Not stated.",
}
"""What the project cannot answer, and never will without being told."""
