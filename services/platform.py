"""All the use cases, as the schema sees them."""

from __future__ import annotations

from dataclasses import dataclass

from events.log import EventLog
from services.accounts import Accounts
from services.addressing import Addressing
from services.blocking import Blocking
from services.budget import Budget
from services.contact import Contact
from services.diagnosis import Diagnosis
from services.drift import Drift
from services.drift_watch import DriftWatch
from services.export import Export
from services.heatmaps import Heatmaps
from services.images import Images
from services.labelling import Labelling
from services.leaving import Leaving
from services.links import Links
from services.model_cards import ModelCards
from services.models import Models
from services.newsroom import Newsroom
from services.notices import Notices
from services.pictures import Pictures
from services.readiness import Readiness
from services.renewal import Renewal
from services.retraining import Retraining
from services.second_factor import SecondFactors
from services.sessions import Sessions
from services.thumbnails import Thumbnails
from services.training import Training
from services.uploads import Uploads


@dataclass(frozen=True)
class Platform:
    """One of each, built by the composition root."""

    log: EventLog
    accounts: Accounts
    addressing: Addressing
    blocking: Blocking
    budget: Budget
    contact: Contact
    diagnosis: Diagnosis
    drift: Drift
    drift_watch: DriftWatch
    export: Export
    heatmaps: Heatmaps
    images: Images
    labelling: Labelling
    leaving: Leaving
    links: Links
    cards: ModelCards
    models: Models
    newsroom: Newsroom
    notices: Notices
    pictures: Pictures
    readiness: Readiness
    renewal: Renewal
    retraining: Retraining
    second_factors: SecondFactors
    sessions: Sessions
    thumbnails: Thumbnails
    training: Training
    uploads: Uploads
