"""What a country would take, by simulation: `python -m benchmarks.scale.country --measured scale.json`.

Reads the last line of `make bench-scale`: what an upload, a judgement and a delivery cost each kind of
process, in core-seconds, and what an image takes of each store. Uploads then come at random (Poisson) at the
rate of the busiest minute and pass through servers and workers, whose work varies as much as it is long on
average (exponential). Looked for is the least number of cores with which 99 in 100 findings are in time.
Prices are inputs; the defaults are round numbers near the list prices of large clouds in 2025, in dollars.
"""

from __future__ import annotations

import argparse
import heapq
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

MINUTES = 10
HOURS_A_MONTH = 730.0


@dataclass(frozen=True)
class Country:
    """How much of everything."""

    images: float = 50e6
    uploads_per_minute: float = 5000.0
    subscribers: float = 100e3
    administrators: int = 200
    """Of the subscribers those who hear of every image."""
    pixels_bytes: float = 2e6
    """Of a film as hospitals have it; the development images have some 16 kB."""
    within_seconds: float = 1.0


@dataclass(frozen=True)
class Prices:
    """Dollars."""

    core_hour: float = 0.05
    gpu_hour: float = 0.80
    gigabyte_month_of_blobs: float = 0.023
    gigabyte_month_of_rows: float = 0.115


@dataclass(frozen=True)
class Costs:
    """Core-seconds: of a server for each upload, label, delivery, of worker and database for each image."""

    upload: float
    label: float
    delivery: float
    judgement: float
    database: float

    @classmethod
    def of(cls, row: dict[str, Any]) -> Costs:
        """From one topology's row of `make bench-scale`."""

        def each(part: str, group: str, count: str) -> float:
            return float(row["spent"][part]["core_seconds"][group] / row["counts"][count])

        rows = each("uploads", "database", "judged"), each("labels", "database", "labels")
        return cls(
            upload=each("uploads", "servers", "uploads"),
            label=each("labels", "servers", "labels"),
            delivery=each("administrators", "servers", "administrators"),
            judgement=each("uploads", "workers", "judged"),
            database=sum(rows),
        )


def waits(rate: float, service: float, cores: int, count: int, chance: np.random.Generator) -> np.ndarray:
    """Seconds from coming to having been served (count,), of what comes at a rate to so many cores."""
    arrivals = np.cumsum(chance.exponential(1 / rate, count))
    lengths = chance.exponential(service, count)
    free = [0.0] * cores
    done = np.empty(count)
    for number, (arrival, length) in enumerate(zip(arrivals, lengths, strict=True)):
        done[number] = max(arrival, heapq.heappop(free)) + length
        heapq.heappush(free, done[number])
    return done - arrivals


def cores_for(rate: float, service: float, within: float, seed: int = 0) -> tuple[int, float]:
    """The least cores with which 99 of 100 are served within so many seconds, and what the 99th waits."""
    cores = int(np.ceil(rate * service)) or 1
    count = int(rate * MINUTES * 60)
    while True:
        p99 = float(np.percentile(waits(rate, service, cores, count, np.random.default_rng(seed)), 99))
        if p99 <= within:
            return cores, p99
        cores += max(1, cores // 50)


def simulate(
    country: Country, costs: Costs, sizes: dict[str, float], socket_bytes: float, prices: Prices
) -> dict[str, Any]:
    """Cores, stores, dollars, and how long findings take; ``sizes`` are bytes an image."""
    rate = country.uploads_per_minute / 60
    servers, answered = cores_for(rate, costs.upload + costs.label, country.within_seconds / 2)
    workers, judged = cores_for(rate, costs.judgement, country.within_seconds / 2)
    # Every image is told of to its owner and to the administrators.
    fan_out = rate * (1 + country.administrators) * costs.delivery
    stores = {
        "pixels": country.images * country.pixels_bytes / 1e9,
        "features": country.images * sizes["features"] / 1e9,
        "rows": country.images * sizes["rows"] / 1e9,
        "events a day": rate * 86400 * sizes["events"] / 1e9,
    }
    cores = {
        "servers, for uploads and labels": float(servers),
        "servers, for deliveries": fan_out,
        "workers": float(workers),
        "database": rate * costs.database,
    }
    blobs, rows = stores["pixels"] + stores["features"], stores["rows"]
    dollars = {
        "cores": sum(cores.values()) * prices.core_hour * HOURS_A_MONTH,
        "one GPU": prices.gpu_hour * HOURS_A_MONTH,
        "blobs": blobs * prices.gigabyte_month_of_blobs,
        "rows": rows * prices.gigabyte_month_of_rows,
    }
    waited = {"p99 of an upload": answered, "p99 of a judgement": judged}
    stores["memory of sockets"] = country.subscribers * socket_bytes / 1e9
    return {"cores": cores, "gigabytes": stores, "dollars_a_month": dollars, "seconds": waited}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--measured", type=Path, required=True, help="the output of `make bench-scale`")
    parser.add_argument("--topology", default="1x1", help="which of its rows")
    for kind in (Country, Prices):
        for name, default in asdict(kind()).items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    asked = vars(parser.parse_args())
    rows = json.loads(asked["measured"].read_text().splitlines()[-1])["rows"]
    (row,) = (row for row in rows if f"{row['servers']}x{row['workers']}" == asked["topology"])
    country = Country(**{name: asked[name] for name in asdict(Country())})
    prices = Prices(**{name: asked[name] for name in asdict(Prices())})
    costs = Costs.of(row)
    found = simulate(country, costs, row["sizes"], row["socket_bytes"], prices)
    print(
        "core-milliseconds: " + ", ".join(f"{name} {1000 * one:.1f}" for name, one in asdict(costs).items())
    )
    for part, figures in found.items():
        print(part.replace("_", " "))
        for name, value in figures.items():
            print(f"  {name:34} {value:12,.2f}")
    print(json.dumps({"benchmark": "country", **asdict(country), "costs": asdict(costs), **found}))


if __name__ == "__main__":
    main()
