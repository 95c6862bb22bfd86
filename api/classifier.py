"""Loads the real classifier: weights, network, default model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from api.settings import Settings
from services.inference import Extractor, Head
from services.models import NewModel

GPU_MEMORY_SHARE = "0.7"
"""What the server takes of a GPU; the trainer takes what it needs of the rest."""
