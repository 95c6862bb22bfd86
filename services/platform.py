"""All the use cases, as the schema sees them."""

from __future__ import annotations

from dataclasses import dataclass

from events.log import EventLog
from services.accounts import Accounts
from services.blocking import Blocking
from services.budget import Budget
from services.contact import Contact
from services.diagnosis import Diagnosis
from services.drift import Drift
from services.drift_watch import DriftWatch
from services.heatmaps import Heatmaps
from services.images import Images
from services.labelling import Labelling
from services.model_cards import ModelCards
from services.models import Models
from services.newsroom import Newsroom
from services.renewal import Renewal
from services.retraining import Retraining
from services.thumbnails import Thumbnails
from services.training import Training
from services.uploads import Uploads


@dataclass(frozen=True)
class Platform:
    """One of each, built by the composition root."""

    log: EventLog
    accounts: Accounts
    blocking: Blocking
    budget: Budget
    contact: Contact
    diagnosis: Diagnosis
    drift: Drift
    drift_watch: DriftWatch
    heatmaps: Heatmaps
    images: Images
    labelling: Labelling
    cards: ModelCards
    models: Models
    newsroom: Newsroom
    renewal: Renewal
    retraining: Retraining
    thumbnails: Thumbnails
    training: Training
    uploads: Uploads
