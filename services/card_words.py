"""What is said on every model card, whichever the version."""

from collections.abc import Mapping
from typing import Final

from ml.splits import HOLDOUT_SHARE

WARNING: Final = "For research, not for diagnosis."
UNRECORDED: Final = "Unknown: this version was made before records were kept."

SOURCES: Final[Mapping[str, str]] = {
    "covid-chestxray-dataset": "Cohen et al. 2020: films out of publications and hospitals, mixed licences",
    "ChestX-ray8": "Wang et al. 2017, NIH Clinical Center: a program read the labels out of reports",
    "COVID-19 Radiography Database": "Chowdhury et al. 2020 and Rahman et al. 2021, compiled from several "
    "collections; many of its healthy films are children's",
    "this platform": "uploaded and labelled by this installation's users",
}

INTENDED: Final = (
    "To study what a classifier can and cannot see of COVID-19 on frontal chest X-rays, and how it changes "
    "as ground truth is added. Its users are researchers and health workers who know its limits.",
    "Out of scope: any decision about anyone's care, screening, triage, or the exclusion of COVID-19; "
    "children; lateral films, computed tomography and photographs of films; and any hospital where it has "
    "not been tested on films with known truth.",
)
AIMS: Final = (
    "The goal was to make a model and to see whether it holds: other patients of the same sources, and "
    "sites that it was not taught on. No hypothesis was registered. All images were collected before, for "
    "other ends (retrospective); what users upload is added as it comes."
)
FACTORS: Final = (
    "Where a film comes from matters most: collections differ in who was filmed, how, and how it was stored, "
    "and a model can read that in place of the disease. Figures are therefore given by source. Sex, age, "
    "equipment, projection and stage of the disease may matter as much; they are not known, and no figure is "
    "given by them."
)
LABELS: Final = (
    "The truth is what the collection says of a film, or the label that counts among its users' on the "
    "platform: the one with the strongest evidence, of equal ones the latest. COVID is the positive class, "
    "and pneumonia of other causes and films without a finding are the negative one. "
    "The films that judge are labelled as those that teach are."
)
CHOICE: Final = (
    "Every image of the collections' folders took part, and on the platform every image that has a label and "
    "could be read. Images without a label, images on which people contradict one another, and images whose "
    "labels were all withdrawn teach and judge nothing. One user's labels teach no more than the share that "
    "the policy of retraining allows. Nothing was filled in."
)
PRIVACY: Final = (
    "Patients are pseudonyms. The platform keeps the picture alone and none of the file's words about a "
    "person. Of a deleted image that was kept for judging or has taught a model, its SHA-256 and a "
    "fingerprint stay. A version that it taught stays as it is, also where the account of its owner is "
    "deleted: its file holds weights and its record counts, no picture, features or name. No later version "
    "learns from it. What is shipped are features, from which no picture can be had back."
)
PARTITIONS: Final = (
    "A hash of the patient's pseudonym, or of the file where no patient is known, keeps about "
    f"{100 * HOLDOUT_SHARE:.0f} % of the patients for judging, for ever; no image of theirs ever teaches. "
    "Of what users upload, copies of a film are on the film's side, as far as a fingerprint of the picture "
    "tells. Whether one person is known under two pseudonyms cannot be told."
)
METRICS: Final = (
    "Sensitivity is the share of the films with COVID that are found, specificity that of the others that "
    "pass, both at the model's threshold, whether or not it would have left its finding open. AUC is the "
    "area under the ROC curve. Intervals are of 95 %: Wilson's for shares, DeLong's for the AUC. They take "
    "images for independent, and are too narrow where a patient has several."
)
HOME: Final = (
    "On images that have taught it nothing, of the sources that it was taught on. These figures hold for "
    "such patients and do not carry over to other hospitals."
)
ELSEWHERE: Final = (
    "At a site that it has not seen a model can be far weaker. These figures were measured when the "
    "default model was made: a head of the same kind, taught by all sites but one, was shown all images of "
    "that one. They are not measured again for versions that are retrained."
)
AUDITED: Final = (
    "Films of the base set's holdout were changed in ways that leave the disease as it is, or that hide or "
    "blur a part of the film, and judged again. The lung fields are those of the mean chest, laid over the "
    "chest that was found: a model that read them alone would lose little without the rest. A finding has "
    "changed if it is another, or is left open where it was not, and is reversed if it is the opposite. A "
    "picture is refused if it is taken for no chest X-ray: it has no finding then, and the other figures "
    "tell what the head would have said; a dash stands where this was not recorded, or where the model "
    "refuses nothing. That pictures of the border alone are refused does not say how far the border sways "
    "the finding on a whole film. How well the source can be told from the features is found by logistic "
    "regression on all of the base set, cross-validated by patient; 50 is chance."
)
EXPLAINED: Final = (
    "A prediction's heatmap shows which places raised the probability; it is no outline of lesions. "
    "`python -m benchmarks.heat` measures what it is worth. Wrong findings were counted, as above, and not "
    "looked into one by one."
)
ETHICS: Final = (
    "A wrong finding can harm: a missed infection spreads, a false one isolates and frightens, and both "
    "keep somebody from looking further. The films were published or uploaded for research; whether each "
    "patient agreed to this use is not known to the project. Who is missing in the data is judged worse, "
    "and the data do not say who that is.",
    "A probability of a model tempts to believe it. The platform therefore says with every finding that it "
    "is for research, leaves uncertain ones open, and refuses pictures that it was not made for.",
)
CAVEATS: Final = (
    "The sources differ in more than the disease, so part of what the figures show is the source. The "
    "samples are small, and the intervals say how small. The gate compares versions on the holdout alone "
    "and sees nothing of other hospitals.",
    "Before you trust a figure, test the model on films of your own with known truth, of all the patients "
    "that you mean it for: `covidxr evaluate --data YOUR-FOLDER` and `covidxr predict` do it.",
)
FURTHER: Final = (
    "The repository's README, docs/ARCHITECTURE.md and docs/decisions tell how everything was made and "
    "what was tried. The software and the default model are free under the Apache License 2.0; the "
    "collections have licences of their own and are not shipped. The system follows Orozco, Xamena, "
    "Martínez and Rodríguez, COVID-XR (Universidad Nacional de Salta, 2020)."
)
