"""What the database holds, and where that differs from what clients were told: faults."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from schema.ids import encode
from services.trail_check import check
from store.database import open_database
from store.tables import (
    ACTIVE_STATES,
    Deployment,
    FindingChange,
    Image,
    JournalEntry,
    Label,
    ModelState,
    ModelVersion,
    OutboxEvent,
    Prediction,
    RunState,
    TrailEntry,
    TrainingRun,
)
from tests.torture.story import Heard, Story

WITHOUT_VERDICT = (RunState.FAILED, RunState.CANCELLED)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Truth:
    """The rows that matter, oldest first, as plain dicts."""

    images: Rows = field(default_factory=list)
    labels: Rows = field(default_factory=list)
    predictions: Rows = field(default_factory=list)
    changes: Rows = field(default_factory=list)
    models: Rows = field(default_factory=list)
    deployments: Rows = field(default_factory=list)
    runs: Rows = field(default_factory=list)
    journal: Rows = field(default_factory=list)
    unpublished: int = 0
    trail: Rows = field(default_factory=list)
    unsealed: int = 0
    broken_trail: str | None = None

    @property
    def in_service(self) -> int:
        """The model of the last deployment."""
        return int(self.deployments[-1]["model_id"])

    def judged(self) -> Mapping[int, list[int]]:
        """By image, its predictions by the model in service."""
        found: dict[int, list[int]] = {image["id"]: [] for image in self.images}
        for prediction in self.predictions:
            if prediction["model_id"] == self.in_service:
                found.setdefault(prediction["image_id"], []).append(prediction["id"])
        return found

    def told(self, kind: str) -> Heard:
        """The events of a kind in the log, in the words of `tests.torture.listeners`."""
        changes = {change["id"]: change for change in self.changes}
        entries = [entry for entry in self.journal if entry["kind"] == kind]
        return [(entry["position"], _told(kind, entry["payload"], changes)) for entry in entries]


async def truth(database: str) -> Truth:
    """What the database at a URL holds now."""
    async with open_database(database):
        checked = await check()
        return Truth(
            images=await Image.all().order_by("id").values("id"),
            labels=await Label.all().order_by("id").values("id", "image_id", "claimed_by_id"),
            predictions=await Prediction.all().order_by("id").values("id", "image_id", "model_id", "finding"),
            changes=await FindingChange.all()
            .order_by("id")
            .values("id", "image_id", "deployment_id", "prediction_id", "previous_id"),
            models=await ModelVersion.all().order_by("number").values("id", "number", "state"),
            deployments=await Deployment.all()
            .order_by("number")
            .values("number", "model_id", "reason", "since"),
            runs=await TrainingRun.all()
            .order_by("id")
            .values("id", "state", "slot", "error", "finished_at", "label_count", "model_id", "lost"),
            journal=await JournalEntry.all().order_by("position").values("position", "kind", "payload"),
            unpublished=await OutboxEvent.all().count(),
            trail=await TrailEntry.all().order_by("position").values("kind", "subjects"),
            unsealed=checked.waiting,
            broken_trail=checked.fault,
        )


def is_settled(story: Story, found: Truth) -> bool:
    """Nothing is under way, and nobody has an event to hear."""
    return (
        not found.unpublished
        and not found.unsealed
        and not any(run["state"] in ACTIVE_STATES for run in found.runs)
        and all(found.judged().values())
        and all(
            len(heard) >= len(found.told(kind)) for kind, several in story.heard.items() for heard in several
        )
    )


def faults(story: Story, found: Truth) -> list[str]:
    """What was lost, repeated or invented; nothing, where all is well."""
    return [
        *_faults_of_images(story, found),
        *_faults_of_labels(story, found),
        *_faults_of_runs(story, found),
        *_faults_of_promotions(story, found),
        *_faults_of_events(found),
        *_faults_of_trail(found),
        *(
            f"subscriber {number} of {kind}: {fault}"
            for kind, several in story.heard.items()
            for number, heard in enumerate(several)
            for fault in _misheard(heard, found.told(kind))
        ),
    ]


def _faults_of_images(story: Story, found: Truth) -> Iterator[str]:
    kept = {encode("Image", image["id"]) for image in found.images}
    yield from (f"image {image} was acknowledged and is gone" for image in sorted(story.images.keys() - kept))
    for image, predictions in found.judged().items():
        if len(predictions) != 1:
            yield f"image {image} has {len(predictions)} predictions by the model in service"
    findings = {prediction["id"]: prediction["finding"] for prediction in found.predictions}
    known: dict[int, Any] = {}
    for prediction in found.predictions:
        known.setdefault(prediction["image_id"], prediction["finding"])
    known |= {change["image_id"]: findings.get(change["prediction_id"]) for change in found.changes}
    for image, predictions in found.judged().items():
        if any(findings[prediction] != known[image] for prediction in predictions):
            yield f"image {image} has another finding than its owner was told"


def _faults_of_labels(story: Story, found: Truth) -> Iterator[str]:
    kept = {encode("Label", label["id"]): encode("Image", label["image_id"]) for label in found.labels}
    for label, image in story.labels.items():
        if kept.get(label) != image:
            yield f"label {label} was acknowledged and is gone"
    for image, count in Counter(kept.values()).items():
        if count > 1:
            yield f"image {image} was labelled once and has {count} labels"


def _faults_of_runs(story: Story, found: Truth) -> Iterator[str]:
    kept = {encode("TrainingRun", run["id"]) for run in found.runs}
    yield from (f"run {run} was acknowledged and is gone" for run in sorted(story.runs - kept))
    claims = Counter(label["claimed_by_id"] for label in found.labels)
    for run in found.runs:
        if run["state"] in ACTIVE_STATES or run["slot"] is not None or run["finished_at"] is None:
            yield f"run {run['id']} has not ended"
        elif run["state"] in WITHOUT_VERDICT:
            if not run["error"]:
                yield f"run {run['id']} ended without a verdict and does not say why"
            if claims[run["id"]]:
                yield f"run {run['id']} ended without a verdict and keeps {claims[run['id']]} labels"
        elif run["model_id"] is None:
            yield f"run {run['id']} has a verdict and no model"
        elif claims[run["id"]] != run["label_count"]:
            yield f"run {run['id']} took {run['label_count']} labels and holds {claims[run['id']]}"
    by_model = Counter(run["model_id"] for run in found.runs if run["model_id"])
    for model in found.models[1:]:  # the first came with the platform
        if by_model[model["id"]] != 1:
            yield f"model {model['number']} came of {by_model[model['id']]} runs"


def _faults_of_promotions(story: Story, found: Truth) -> Iterator[str]:
    numbers = [deployment["number"] for deployment in found.deployments]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the history of promotions has gaps: {numbers}"
    for earlier, later in pairwise(found.deployments):
        if later["since"] < earlier["since"]:
            yield f"deployment {later['number']} began before the one that it ended"
        if later["model_id"] == earlier["model_id"]:
            yield f"deployment {later['number']} put in service what was there"
    serving = [model["id"] for model in found.models if model["state"] is ModelState.IN_SERVICE]
    if serving != [found.in_service]:
        yield f"in service are {serving}, and the history says {found.in_service}"
    if [model["number"] for model in found.models] != list(range(1, len(found.models) + 1)):
        yield "the numbers of models have gaps"
    reasons = Counter(deployment["reason"] for deployment in found.deployments)
    for reason in story.promotions:
        if reasons[reason] != 1:
            yield f"the promotion {reason!r} was acknowledged and is there {reasons[reason]} times"


def _faults_of_events(found: Truth) -> Iterator[str]:
    """Each row was told of once, and runs and promotions as they went."""
    for kind, key, rows in (
        ("PredictionMade", "prediction_id", found.predictions),
        ("FindingChanged", "change_id", found.changes),
    ):
        told = Counter(entry["payload"][key] for entry in found.journal if entry["kind"] == kind)
        yield from (
            f"{kind}: row {row['id']} was told {told[row['id']]} times"
            for row in rows
            if told[row["id"]] != 1
        )
    promoted = [entry["payload"]["model_id"] for entry in found.journal if entry["kind"] == "ModelPromoted"]
    if promoted != [deployment["model_id"] for deployment in found.deployments[1:]]:
        yield "promotions were not told as they went"
    states = defaultdict(list)
    for entry in found.journal:
        if entry["kind"] == "TrainingProgressed":
            states[entry["payload"]["run_id"]].append(entry["payload"]["state"])
    for run in found.runs:
        told_states = states[run["id"]]
        middle = told_states[1:-1]
        if (
            told_states[:1] != ["QUEUED"]
            or told_states[-1] != run["state"]
            or any(state not in ("TRAINING", "EVALUATING") for state in middle)
        ):
            yield f"run {run['id']} ended {run['state']} and was told as {told_states}"


def _faults_of_trail(found: Truth) -> Iterator[str]:
    """One chain, with an entry for each label, run and promotion."""
    if found.broken_trail:
        yield found.broken_trail
    for kind, subject, done in (
        ("LABEL_SUBMITTED", "Label", [label["id"] for label in found.labels]),
        ("RETRAINING_STARTED", "TrainingRun", [run["id"] for run in found.runs]),
        ("MODEL_PROMOTED", "ModelVersion", [deployment["model_id"] for deployment in found.deployments]),
    ):
        told = Counter(entry["subjects"][subject] for entry in found.trail if entry["kind"] == kind)
        if told != Counter(done):
            yield f"the trail has {kind} of {sorted(told.elements())}, and was done of {sorted(done)}"


def _told(kind: str, payload: Mapping[str, Any], changes: Mapping[int, Mapping[str, Any]]) -> str:
    match kind:
        case "PredictionMade":
            return encode("Prediction", payload["prediction_id"])
        case "FindingChanged":
            if (change := changes.get(payload["change_id"])) is None:
                return f"a change {payload['change_id']} that is not there"
            now, before = change["prediction_id"], change["previous_id"]
            return f"{encode('Prediction', now)} after {encode('Prediction', before)}"
        case "TrainingProgressed":
            return f"{encode('TrainingRun', payload['run_id'])} {payload['state']} {payload['epoch']}"
        case "ModelPromoted":
            now, before = payload["model_id"], payload["previous_id"]
            return f"{encode('ModelVersion', now)} after {encode('ModelVersion', before)}"
    raise ValueError(kind)


def _misheard(heard: Heard, told: Heard) -> Iterator[str]:
    places = [place for place, _ in heard]
    if places != sorted(set(places)):
        yield "events came out of order or again"
    missed, invented = Counter(told) - Counter(heard), Counter(heard) - Counter(told)
    yield from (f"never heard {text} at {place}" for place, text in sorted(missed))
    yield from (f"heard {text} at {place}, once too often" for place, text in sorted(invented))
