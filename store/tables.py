"""The tables, and the queries that have a name.

Class docstrings and descriptions become comments in the database; Tortoise splits statements at
semicolons, so they hold none.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from tortoise import fields
from tortoise.expressions import Q, RawSQL, Subquery
from tortoise.models import Model
from tortoise.queryset import QuerySet, QuerySetSingle

from store.fields import ExactCharField


class Role(StrEnum):
    MEMBER = "MEMBER"
    ADMIN = "ADMIN"


class TokenPurpose(StrEnum):
    SESSION = "SESSION"
    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"
    CHANGE_EMAIL = "CHANGE_EMAIL"


class NoticeKind(StrEnum):
    """What is told by mail to an address that no account may have any more."""

    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    EMAIL_IN_USE = "EMAIL_IN_USE"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"


class Finding(StrEnum):
    COVID = "COVID"
    NO_COVID = "NO_COVID"


class AbstainReason(StrEnum):
    NOT_A_CHEST_XRAY = "NOT_A_CHEST_XRAY"
    OUT_OF_DISTRIBUTION = "OUT_OF_DISTRIBUTION"
    UNCERTAIN = "UNCERTAIN"


class FilmView(StrEnum):
    """How a film was taken, or by how many degrees, clockwise, it has been turned."""

    FRONTAL = "FRONTAL"
    TURNED_90 = "TURNED_90"
    TURNED_180 = "TURNED_180"
    TURNED_270 = "TURNED_270"
    TILTED = "TILTED"
    LATERAL = "LATERAL"


class Evidence(StrEnum):
    """What a label rests on, the strongest first."""

    RT_PCR = "RT_PCR"
    ANTIGEN = "ANTIGEN"
    CT = "CT"
    RADIOLOGIST = "RADIOLOGIST"
    CLINICAL = "CLINICAL"
    UNSTATED = "UNSTATED"


class ModelState(StrEnum):
    CANDIDATE = "CANDIDATE"
    IN_SERVICE = "IN_SERVICE"
    RETIRED = "RETIRED"
    REJECTED = "REJECTED"


class RunState(StrEnum):
    QUEUED = "QUEUED"
    TRAINING = "TRAINING"
    EVALUATING = "EVALUATING"
    PROMOTED = "PROMOTED"
    REJECTED = "REJECTED"
    AWAITING = "AWAITING"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ACTIVE_STATES = (RunState.QUEUED, RunState.TRAINING, RunState.EVALUATING)


class LeftOutCause(StrEnum):
    """Why a labelled image does not teach a run; each has one cause."""

    HELD_OUT = "HELD_OUT"
    STRADDLES = "STRADDLES"
    IN_CONFLICT = "IN_CONFLICT"
    OVER_SHARE = "OVER_SHARE"
    WITHDRAWN = "WITHDRAWN"
    UNREADABLE = "UNREADABLE"


class RunTrigger(StrEnum):
    THRESHOLD = "THRESHOLD"
    ADMIN = "ADMIN"


class DriftSignal(StrEnum):
    """What of the images that come in is held against what the model was judged by."""

    ABSTENTIONS = "ABSTENTIONS"
    PROBABILITY = "PROBABILITY"
    DISTANCE = "DISTANCE"
    AGREEMENT = "AGREEMENT"


class TrailKind(StrEnum):
    """What is told of in the trail."""

    SIGNED_IN = "SIGNED_IN"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PASSWORD_RESET = "PASSWORD_RESET"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    ACCOUNT_EXPORTED = "ACCOUNT_EXPORTED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    ROLE_CHANGED = "ROLE_CHANGED"
    USER_BLOCKED = "USER_BLOCKED"
    USER_UNBLOCKED = "USER_UNBLOCKED"
    SECOND_FACTOR_ON = "SECOND_FACTOR_ON"
    SECOND_FACTOR_OFF = "SECOND_FACTOR_OFF"
    SECOND_FACTOR_RESET = "SECOND_FACTOR_RESET"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    LABEL_SUBMITTED = "LABEL_SUBMITTED"
    LABELS_WITHDRAWN = "LABELS_WITHDRAWN"
    RETRAINING_STARTED = "RETRAINING_STARTED"
    RETRAINING_CANCELLED = "RETRAINING_CANCELLED"
    POLICY_CHANGED = "POLICY_CHANGED"
    MODEL_PROMOTED = "MODEL_PROMOTED"
    IMAGE_DELETED = "IMAGE_DELETED"
    NEWS_DELETED = "NEWS_DELETED"


class User(Model):
    """A health worker or an administrator, known by e-mail address."""

    id = fields.BigIntField(primary_key=True)
    email = ExactCharField(max_length=254, unique=True, description="normalised, lower case")
    name = fields.CharField(max_length=100)
    password_hash = fields.CharField(max_length=200)
    role = fields.CharEnumField(Role, max_length=10, default=Role.MEMBER)
    locale = fields.CharField(max_length=10, default="en")
    email_verified_at = fields.DatetimeField(null=True)
    blocked_at = fields.DatetimeField(null=True, description="since when the user cannot sign in")
    block_reason = fields.CharField(max_length=500, null=True)
    second_factor_at = fields.DatetimeField(
        null=True, description="since when signing in asks for a code, too"
    )
    deleted_at = fields.DatetimeField(
        null=True, description="when an account was deleted, whose labels of others' images and news stay"
    )
    created_at = fields.DatetimeField(auto_now_add=True)

    is_held_back = False
    """Whether an administrator has yet to turn on the second factor that is asked of administrators here."""
    session_id = 0
    """The session in which this is who asks, for which addresses are signed; 0 is none."""
    is_by_cookie = False
    """Whether a browser's cookie says so, and has to again where such an address is used."""

    class Meta:
        table = "user"

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN and not self.is_held_back

    @classmethod
    def people(cls) -> QuerySet[Self]:
        """All but those in whose place nobody is any more."""
        return cls.filter(deleted_at__isnull=True)

    @classmethod
    def admins(cls) -> QuerySet[Self]:
        """The administrators who can sign in."""
        able = {"blocked_at__isnull": True, "email_verified_at__isnull": False}
        return cls.people().filter(role=Role.ADMIN, **able)


class Token(Model):
    """A secret handed to a person, kept as its SHA-256 alone."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("store.User", related_name="tokens")
    purpose = fields.CharEnumField(TokenPurpose, max_length=16)
    sha256 = fields.CharField(max_length=64, unique=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    email = fields.CharField(max_length=254, null=True, description="the address that it moves an account to")
    client = fields.CharField(max_length=200, null=True, description="what a session's browser calls itself")

    user_id: int

    class Meta:
        table = "token"
        indexes = (("user_id", "purpose"),)

    @classmethod
    def live(cls, purpose: TokenPurpose, sha256: str, now: datetime) -> QuerySet[Self]:
        return cls.filter(purpose=purpose, sha256=sha256, expires_at__gt=now)

    @classmethod
    def live_of(cls, user_id: int, purpose: TokenPurpose, now: datetime) -> QuerySet[Self]:
        """Those of a user, the newest first."""
        return cls.filter(user_id=user_id, purpose=purpose, expires_at__gt=now).order_by("-id")


class SecondFactor(Model):
    """What makes the codes of a user's authenticator app, in a row of its own, which few ever read."""

    id = fields.BigIntField(primary_key=True)
    user: fields.OneToOneRelation[User] = fields.OneToOneField("store.User", related_name="second_factor")
    secret = fields.CharField(max_length=64, description="base32, as it is since every code needs it")
    last_step = fields.BigIntField(
        default=0, db_default=0, description="of the last code that was used: no code serves twice"
    )

    user_id: int

    class Meta:
        table = "second_factor"


class Tally(Model):
    """How often something was done that may be done so often, of strangers by a mark that names nobody."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(max_length=64, unique=True)
    whole_at = fields.FloatField(
        description="when all that was taken will have come back, in seconds since 1970"
    )

    class Meta:
        table = "tally"
        indexes = (("whole_at",),)


class RecoveryCode(Model):
    """What serves once in place of a code, kept as its SHA-256 alone."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "store.User", related_name="recovery_codes"
    )
    sha256 = fields.CharField(max_length=64, unique=True)

    user_id: int

    class Meta:
        table = "recovery_code"


class Notice(Model):
    """A mail to an address that may be no account's any more. The row, and so the address, goes with it."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharEnumField(NoticeKind, max_length=20)
    email = fields.CharField(max_length=254)
    name = fields.CharField(max_length=100)
    locale = fields.CharField(max_length=10)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "notice"


class Image(Model):
    """An uploaded radiograph. Its pixels and features lie in the blob store under ``key``."""

    id = fields.BigIntField(primary_key=True)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("store.User", related_name="images")
    key = fields.CharField(max_length=36, unique=True, description="random, where the blobs lie")
    filename = fields.CharField(max_length=255)
    sha256 = fields.CharField(max_length=64, description="of the bytes as uploaded")
    media_type = fields.CharField(max_length=40)
    size = fields.BigIntField(description="bytes")
    width = fields.IntField()
    height = fields.IntField()
    patient_ref = fields.CharField(max_length=100, null=True)
    holdout = fields.BooleanField(description="kept for judging models, never trained on")
    fingerprint = fields.CharField(
        max_length=64, null=True, description="by which copies of a film are known"
    )
    features = fields.CharField(
        max_length=80, null=True, description="the extractor whose features are stored"
    )
    view = fields.CharEnumField(FilmView, max_length=10, null=True, description="found with the features")
    failure = fields.CharField(max_length=300, null=True, description="why no prediction could be made")
    fault = fields.BooleanField(
        default=False, db_default=False, description="whether the failure is ours: it is tried again"
    )
    deaths = fields.SmallIntField(
        default=0, db_default=0, description="processes that ended while they judged it, and it alone"
    )
    uploaded_at = fields.DatetimeField(auto_now_add=True)

    owner_id: int
    label_entries: fields.ReverseRelation[Label]
    predictions: fields.ReverseRelation[Prediction]

    class Meta:
        table = "image"
        unique_together = (("owner_id", "sha256"),)
        indexes = (("owner_id", "id"), ("uploaded_at",), ("fault",))

    @classmethod
    def visible_to(cls, user: User) -> QuerySet[Self]:
        return cls.all() if user.is_admin else cls.filter(owner_id=user.id)

    @classmethod
    def given_up(cls) -> QuerySet[Self]:
        """Images that could not be judged for a fault of ours."""
        return cls.filter(fault=True)

    @classmethod
    def read_by_others(cls, extractor: str) -> QuerySet[Self]:
        """Images whose stored features are another extractor's."""
        return cls.filter(features__isnull=False).exclude(features=extractor)

    @classmethod
    def labelled_without_features(cls, extractor: str) -> QuerySet[Self]:
        """Images with labels that the extractor has yet to read, and can as far as is known."""
        missing = Q(features__isnull=True) | ~Q(features=extractor)
        labelled = Subquery(Label.standing().values("image_id"))
        return cls.filter(missing, failure__isnull=True, id__in=labelled)

    @classmethod
    def labelled(cls) -> QuerySet[Self]:
        """Images that anybody has labelled, whatever became of the label."""
        return cls.filter(id__in=Subquery(Label.all().values("image_id")))

    @classmethod
    def having_taught(cls) -> QuerySet[Self]:
        """Images by a label of which a model was trained."""
        return cls.filter(id__in=Subquery(Label.filter(used_in__id__isnull=False).values("image_id")))

    @classmethod
    def unused_since(cls, moment: datetime) -> QuerySet[Self]:
        """Images that were uploaded before a moment, and that nobody has labelled since."""
        labelled = Subquery(Label.filter(created_at__gte=moment).values("image_id"))
        return cls.filter(uploaded_at__lt=moment).exclude(id__in=labelled)

    @classmethod
    def in_conflict(cls) -> QuerySet[Self]:
        """Images whose labels are in conflict, by the rule of `services.labelling.in_conflict`."""
        return cls.filter(id__in=RawSQL(f"({IN_CONFLICT})"))

    @classmethod
    def without_prediction_by(cls, model_id: int, extractor: str) -> QuerySet[Self]:
        """Images whose features are stored and that the model has not judged yet."""
        # Asked of each image: a set of all that the model has judged would be made each time.
        judged = RawSQL(f"EXISTS ({JUDGED} {int(model_id)})")
        return cls.filter(features=extractor).annotate(is_judged=judged).filter(is_judged=False)


class DeletedFilm(Model):
    """What stays of a deleted image that was held out or taught, so that its picture never changes sides."""

    id = fields.BigIntField(primary_key=True)
    sha256 = fields.CharField(max_length=64)
    fingerprint = fields.CharField(max_length=64, null=True)
    taught = fields.BooleanField(description="it may have taught a model, else it was kept for judging them")

    class Meta:
        table = "deleted_film"
        indexes = (("sha256",),)


class Label(Model):
    """One entry of the append-only ledger of ground truth. A correction is a new entry."""

    id = fields.BigIntField(primary_key=True)
    image: fields.ForeignKeyRelation[Image] = fields.ForeignKeyField(
        "store.Image", related_name="label_entries"
    )
    finding = fields.CharEnumField(Finding, max_length=8)
    evidence = fields.CharEnumField(Evidence, max_length=12, default=Evidence.UNSTATED)
    by_admin = fields.BooleanField(
        default=False, db_default=False, description="whether an administrator entered it"
    )
    submitted_by: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "store.User", related_name="labels"
    )
    claimed_by: fields.ForeignKeyNullableRelation[TrainingRun] = fields.ForeignKeyField(
        "store.TrainingRun",
        related_name="labels_claimed",
        null=True,
        on_delete=fields.SET_NULL,
        description="the run that counted this label towards its threshold",
    )
    used_in: fields.ManyToManyRelation[ModelVersion] = fields.ManyToManyField(
        "store.ModelVersion", related_name="labels", through="model_label"
    )
    created_at = fields.DatetimeField(auto_now_add=True)
    withdrawn_at = fields.DatetimeField(null=True, description="since when it counts nowhere")
    withdrawn_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "store.User", related_name="withdrawals", null=True, on_delete=fields.SET_NULL
    )
    withdrawal_reason = fields.CharField(max_length=500, null=True)

    image_id: int
    submitted_by_id: int
    claimed_by_id: int | None
    withdrawn_by_id: int | None

    class Meta:
        table = "label"
        indexes = (("claimed_by_id",), ("image_id", "id"))

    @classmethod
    def standing(cls) -> QuerySet[Self]:
        """The labels that nobody has withdrawn."""
        return cls.filter(withdrawn_at__isnull=True)

    @classmethod
    def unclaimed(cls) -> QuerySet[Self]:
        return cls.standing().filter(claimed_by_id__isnull=True)


JUDGED = "SELECT 1 FROM prediction WHERE prediction.image_id = image.id AND prediction.model_id ="

RANKS = " ".join(f"WHEN '{one}' THEN {-rank}" for rank, one in enumerate(Evidence))
STRENGTH = f"CASE evidence {RANKS} END"

IN_CONFLICT = f"""
SELECT image_id FROM (
    SELECT id, image_id, finding, by_admin, {STRENGTH} AS strength,
        MAX({STRENGTH}) OVER (PARTITION BY image_id) AS strongest,
        ROW_NUMBER() OVER (
            PARTITION BY image_id, submitted_by_id ORDER BY {STRENGTH} DESC, id DESC
        ) AS place
    FROM label
    WHERE withdrawn_at IS NULL AND image_id IN (
        SELECT image_id FROM label WHERE withdrawn_at IS NULL
        GROUP BY image_id HAVING MIN(finding) <> MAX(finding)
    )
) AS weighed
WHERE place = 1 AND strength = strongest
GROUP BY image_id
HAVING MIN(finding) <> MAX(finding) AND MAX(id) <> MAX(CASE WHEN by_admin THEN id ELSE 0 END)
"""  # noqa: S608 - made of our own names alone
"""Each person's weightiest label of each image, the strongest evidence of these, and whether they differ
while the newest is no administrator's."""


class ModelVersion(Model):
    """A trained classifier: its file in the blob store, its figures, its verdict."""

    id = fields.BigIntField(primary_key=True)
    number = fields.IntField(unique=True)
    state = fields.CharEnumField(ModelState, max_length=10, default=ModelState.CANDIDATE)
    backbone = fields.CharField(max_length=40)
    head = fields.CharField(max_length=10)
    extractor = fields.CharField(
        max_length=80, description="backbone, weights and preprocessing of its features"
    )
    key = fields.CharField(max_length=100, description="where the blob lies")
    sha256 = fields.CharField(max_length=64, description="of the file")
    trained_on = fields.IntField(description="images")
    evaluation: Any = fields.JSONField(description="figures on the holdout")
    verdict = fields.CharField(max_length=1000, null=True)
    record: Any = fields.JSONField(
        null=True, description="data, method, figures and audit, as its making found them"
    )
    created_at = fields.DatetimeField(auto_now_add=True)
    labels: fields.ManyToManyRelation[Label]

    class Meta:
        table = "model_version"


BESIDES_RECORD = tuple(name for name in ModelVersion._meta.fields_db_projection if name != "record")
"""What a version is read by where only few want its record, of 20 kB."""


class Deployment(Model):
    """One stretch of service of a model. The unique number makes one of two promotions at once fail."""

    id = fields.BigIntField(primary_key=True)
    number = fields.IntField(unique=True)
    model: fields.ForeignKeyRelation[ModelVersion] = fields.ForeignKeyField(
        "store.ModelVersion", related_name="deployments"
    )
    reason = fields.CharField(max_length=1000)
    decided_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "store.User", related_name="deployments", null=True, on_delete=fields.SET_NULL
    )
    since = fields.DatetimeField(db_index=True)

    model_id: int
    decided_by_id: int | None

    class Meta:
        table = "deployment"

    @classmethod
    def at(cls, moment: datetime) -> QuerySetSingle[Self | None]:
        """The deployment in force at a moment; None before the first."""
        return cls.filter(since__lte=moment).order_by("-number").first()


class Prediction(Model):
    """What one model said of one image, never changed afterwards."""

    id = fields.BigIntField(primary_key=True)
    image: fields.ForeignKeyRelation[Image] = fields.ForeignKeyField(
        "store.Image", related_name="predictions"
    )
    model: fields.ForeignKeyRelation[ModelVersion] = fields.ForeignKeyField(
        "store.ModelVersion", related_name="predictions"
    )
    finding = fields.CharEnumField(Finding, max_length=8, null=True)
    probability = fields.FloatField()
    margin = fields.FloatField(description="distance of the probability from the model's threshold")
    place = fields.CharField(
        max_length=88, null=True, description="where the image lies among chests, 32 float16 in base64"
    )
    distance = fields.FloatField(
        null=True, description="how far the picture lies from chests, in deviations of real ones"
    )
    abstained = fields.CharEnumField(AbstainReason, max_length=20, null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    image_id: int
    model_id: int

    class Meta:
        table = "prediction"
        unique_together = (("image_id", "model_id"),)
        indexes = (("model_id", "margin", "id"),)

    @classmethod
    def visible_to(cls, user: User) -> QuerySet[Self]:
        return cls.all() if user.is_admin else cls.filter(image__owner_id=user.id)


class FindingChange(Model):
    """A promotion gave an image another finding than its owner had been told of before."""

    id = fields.BigIntField(primary_key=True)
    image: fields.ForeignKeyRelation[Image] = fields.ForeignKeyField(
        "store.Image", related_name="finding_changes"
    )
    deployment: fields.ForeignKeyRelation[Deployment] = fields.ForeignKeyField(
        "store.Deployment", related_name="finding_changes"
    )
    prediction: fields.ForeignKeyRelation[Prediction] = fields.ForeignKeyField(
        "store.Prediction", related_name="changes_to", db_index=True, description="the one that counts since"
    )
    previous: fields.ForeignKeyRelation[Prediction] = fields.ForeignKeyField(
        "store.Prediction", related_name="changes_from", db_index=True, description="what the owner knew"
    )
    created_at = fields.DatetimeField(auto_now_add=True)

    image_id: int
    deployment_id: int
    prediction_id: int
    previous_id: int

    class Meta:
        table = "finding_change"
        unique_together = (("image_id", "deployment_id"),)

    @classmethod
    def visible_to(cls, user: User) -> QuerySet[Self]:
        return cls.all() if user.is_admin else cls.filter(image__owner_id=user.id)


class DriftWarning(Model):
    """A signal began to differ. ``open`` is 1 while it does and null afterwards: one warning at a time."""

    id = fields.BigIntField(primary_key=True)
    model: fields.ForeignKeyRelation[ModelVersion] = fields.ForeignKeyField(
        "store.ModelVersion", related_name="drift_warnings"
    )
    signal = fields.CharEnumField(DriftSignal, max_length=12)
    open = fields.SmallIntField(null=True)
    sentence = fields.CharField(max_length=1000)
    figures: Any = fields.JSONField(description="the signal as it was when the warning was given")
    began_at = fields.DatetimeField(auto_now_add=True)
    ended_at = fields.DatetimeField(
        null=True, description="when it differed no more, or another model served"
    )

    model_id: int

    class Meta:
        table = "drift_warning"
        unique_together = (("model_id", "signal", "open"),)

    @classmethod
    def under_way(cls) -> QuerySet[Self]:
        """The warnings whose signals differ still."""
        return cls.filter(open=1)


class RetrainingPolicy(Model):
    """When runs start by themselves, and how strict the gate is. Appended to, and the latest counts."""

    id = fields.BigIntField(primary_key=True)
    number = fields.IntField(unique=True, description="of two changes at once, one fails and is made again")
    threshold = fields.IntField(description="new labels that start a run")
    minutes_between = fields.IntField(description="least time between automatic runs")
    labels_per_class = fields.IntField(description="new labels of each class that a run needs")
    sensitivity_margin = fields.FloatField()
    specificity_margin = fields.FloatField()
    auc_margin = fields.FloatField()
    share_per_user = fields.FloatField(description="of the labels that a run learns from, 0 to 1")
    changed_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "store.User", related_name="policies", null=True, on_delete=fields.SET_NULL
    )
    changed_at = fields.DatetimeField(auto_now_add=True)

    changed_by_id: int | None

    class Meta:
        table = "retraining_policy"

    @classmethod
    def in_force(cls) -> QuerySetSingle[Self | None]:
        """The policy that administrators set last, None before the first."""
        return cls.all().order_by("-number").first()


class TrainingRun(Model):
    """One retraining. ``slot`` is 1 while the run is under way and null afterwards: one run at a time."""

    id = fields.BigIntField(primary_key=True)
    slot = fields.SmallIntField(null=True, unique=True)
    state = fields.CharEnumField(RunState, max_length=10, default=RunState.QUEUED)
    trigger = fields.CharEnumField(RunTrigger, max_length=10)
    requested_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "store.User", related_name="runs", null=True, on_delete=fields.SET_NULL
    )
    label_count = fields.IntField(default=0, description="labels that this run claimed")
    epoch = fields.IntField(default=0)
    epochs = fields.IntField()
    loss = fields.FloatField(null=True)
    losses: Any = fields.JSONField(
        null=True, description="of each epoch done, in order, null where it has diverged"
    )
    learned_by = fields.DatetimeField(
        null=True, description="when the learning should be over, by the epochs so far"
    )
    left_out: Any = fields.JSONField(
        null=True,
        description="labelled images that do not teach it, by cause, once it has gathered what does",
    )
    model: fields.ForeignKeyNullableRelation[ModelVersion] = fields.ForeignKeyField(
        "store.ModelVersion", related_name="runs", null=True, on_delete=fields.SET_NULL
    )
    error = fields.TextField(null=True)
    fence = fields.IntField(
        default=0, description="raised by every takeover, so that the holder of an older one is stale"
    )
    lease_until = fields.DatetimeField(null=True)
    lost = fields.IntField(
        default=0, db_default=0, description="holders whose lease ran out, since they died or hung"
    )
    queued_at = fields.DatetimeField(auto_now_add=True)
    finished_at = fields.DatetimeField(null=True)

    requested_by_id: int | None
    model_id: int | None

    class Meta:
        table = "training_run"

    @classmethod
    def active(cls) -> QuerySetSingle[Self | None]:
        """The run under way, if any."""
        return cls.filter(slot=1).first()

    @classmethod
    def free(cls, run_id: int) -> QuerySet[Self]:
        """The run, if it is under way and was never taken, or given back."""
        return cls.filter(lease_until__isnull=True, id=run_id, state__in=ACTIVE_STATES)

    @classmethod
    def abandoned(cls, run_id: int, now: datetime) -> QuerySet[Self]:
        """The run, if it is under way and its holder's lease has run out."""
        return cls.filter(lease_until__lt=now, id=run_id, state__in=ACTIVE_STATES)

    @classmethod
    def held(cls, run_id: int, fence: int) -> QuerySet[Self]:
        """The run, if it is under way and this fence still holds it."""
        return cls.filter(id=run_id, fence=fence, state__in=ACTIVE_STATES)


class NewsPost(Model):
    id = fields.BigIntField(primary_key=True)
    title = fields.CharField(max_length=200)
    body = fields.TextField(description="Markdown")
    author: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("store.User", related_name="news")
    published_at = fields.DatetimeField(auto_now_add=True)

    author_id: int

    class Meta:
        table = "news_post"


class ContactMessage(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    email = fields.CharField(max_length=254)
    subject = fields.CharField(max_length=200)
    body = fields.TextField()
    received_at = fields.DatetimeField(auto_now_add=True)
    delivered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "contact_message"


class OutboxEvent(Model):
    """An event that committed with its row and waits to be published."""

    id = fields.BigIntField(primary_key=True)
    uid = fields.CharField(max_length=36, unique=True)
    kind = fields.CharField(max_length=60)
    payload: Any = fields.JSONField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "outbox_event"


class JournalEntry(Model):
    """A published event at its place in the in-process log, written by one relay alone, so in order."""

    position = fields.BigIntField(primary_key=True)
    uid = fields.CharField(max_length=36, unique=True)
    kind = fields.CharField(max_length=60)
    payload: Any = fields.JSONField()
    published_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "journal_entry"


class ConsumerPosition(Model):
    """How far a group of workers has done all its work in the in-process log."""

    group = fields.CharField(max_length=40, primary_key=True)
    position = fields.BigIntField()

    class Meta:
        table = "consumer_position"


class TrailFields(Model):
    """Who did what when. What it names may be deleted and is not forgotten, hence no foreign keys."""

    at = fields.DatetimeField(description="when it was done")
    kind = fields.CharField(max_length=40, description="a TrailKind, of this version or of another one")
    actor_id = fields.BigIntField(
        null=True, description="the user, null where the platform or an operator did"
    )
    subjects: Any = fields.JSONField(description="ids of what it was done to, by type")
    value = fields.CharField(max_length=40, null=True, description="an enumeration or a count")
    reason = fields.CharField(max_length=500, null=True, description="an administrator's")

    class Meta:
        abstract = True


class TrailNote(TrailFields):
    """What committed with the rows that it tells of, and waits to be sealed."""

    id = fields.BigIntField(primary_key=True)

    class Meta:
        table = "trail_note"


class TrailEntry(TrailFields):
    """A sealed note at its place in the chain, the first at 1, without gaps. Never changed, never deleted."""

    id = fields.BigIntField(primary_key=True)
    position = fields.BigIntField(unique=True, description="of two who seal at once, one fails")
    previous = fields.CharField(max_length=64, description="SHA-256 of the entry before")
    sha256 = fields.CharField(max_length=64, unique=True, description="of all the rest of this entry")

    class Meta:
        table = "trail_entry"
        indexes = (("kind", "position"), ("actor_id", "position"), ("at",))

    @classmethod
    def head(cls) -> QuerySetSingle[Self | None]:
        """The last entry, None before the first."""
        return cls.all().order_by("-position").first()
