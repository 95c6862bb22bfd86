"""A training run from lease to verdict."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from events.messages import RetrainingRequested, TrainingProgressed
from services import models
from services.models import Models, NewModel
from services.outbox import Outbox, record
from services.retraining import Retraining, end
from services.teaching import Lesson, Teaching
from store.tables import Deployment, Label, ModelState, ModelVersion, RunState, TrainingRun

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 1.0
MAX_TAKEOVERS = 3

logger = logging.getLogger(__name__)
