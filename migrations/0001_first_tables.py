from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from store.fields import ExactCharField
from store.tables import AbstainReason, Evidence, Finding, ModelState, Role, RunState, RunTrigger, TokenPurpose
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='ConsumerPosition',
            fields=[
                ('group', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ('position', fields.BigIntField()),
            ],
            options={'table': 'consumer_position', 'app': 'store', 'pk_attr': 'group', 'table_description': 'How far a group of workers has done all its work in the in-process log.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ContactMessage',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(max_length=100)),
                ('email', fields.CharField(max_length=254)),
                ('subject', fields.CharField(max_length=200)),
                ('body', fields.TextField(unique=False)),
                ('received_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('delivered_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'contact_message', 'app': 'store', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='JournalEntry',
            fields=[
                ('position', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('uid', fields.CharField(unique=True, max_length=36)),
                ('kind', fields.CharField(max_length=60)),
                ('payload', fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ('published_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'journal_entry', 'app': 'store', 'pk_attr': 'position', 'table_description': 'A published event at its place in the in-process log, written by one relay alone, so in order.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('number', fields.IntField(unique=True)),
                ('state', fields.CharEnumField(default=ModelState.CANDIDATE, description='CANDIDATE: CANDIDATE\nIN_SERVICE: IN_SERVICE\nRETIRED: RETIRED\nREJECTED: REJECTED', enum_type=ModelState, max_length=10)),
                ('backbone', fields.CharField(max_length=40)),
                ('head', fields.CharField(max_length=10)),
                ('extractor', fields.CharField(description='backbone, weights and preprocessing of its features', max_length=80)),
                ('key', fields.CharField(description='where the blob lies', max_length=100)),
                ('sha256', fields.CharField(description='of the file', max_length=64)),
                ('trained_on', fields.IntField(description='images')),
                ('evaluation', fields.JSONField(description='figures on the holdout', encoder=JSON_DUMPS, decoder=loads)),
                ('verdict', fields.CharField(null=True, max_length=1000)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'model_version', 'app': 'store', 'pk_attr': 'id', 'table_description': 'A trained classifier: its file in the blob store, its figures, its verdict.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OutboxEvent',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('uid', fields.CharField(unique=True, max_length=36)),
                ('kind', fields.CharField(max_length=60)),
                ('payload', fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'outbox_event', 'app': 'store', 'pk_attr': 'id', 'table_description': 'An event that committed with its row and waits to be published.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='User',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('email', ExactCharField(unique=True, description='normalised, lower case', max_length=254)),
                ('name', fields.CharField(max_length=100)),
                ('password_hash', fields.CharField(max_length=200)),
                ('role', fields.CharEnumField(default=Role.MEMBER, description='MEMBER: MEMBER\nADMIN: ADMIN', enum_type=Role, max_length=10)),
                ('locale', fields.CharField(default='en', max_length=10)),
                ('email_verified_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'user', 'app': 'store', 'pk_attr': 'id', 'table_description': 'A health worker or an administrator, known by e-mail address.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Deployment',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('number', fields.IntField(unique=True)),
                ('model', fields.ForeignKeyField('store.ModelVersion', source_field='model_id', db_constraint=True, to_field='id', related_name='deployments', on_delete=OnDelete.CASCADE)),
                ('reason', fields.CharField(max_length=1000)),
                ('decided_by', fields.ForeignKeyField('store.User', source_field='decided_by_id', null=True, db_constraint=True, to_field='id', related_name='deployments', on_delete=OnDelete.SET_NULL)),
                ('since', fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'deployment', 'app': 'store', 'pk_attr': 'id', 'table_description': 'One stretch of service of a model. The unique number makes one of two promotions at once fail.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Image',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('owner', fields.ForeignKeyField('store.User', source_field='owner_id', db_constraint=True, to_field='id', related_name='images', on_delete=OnDelete.CASCADE)),
                ('key', fields.CharField(unique=True, description='random, where the blobs lie', max_length=36)),
                ('filename', fields.CharField(max_length=255)),
                ('sha256', fields.CharField(description='of the bytes as uploaded', max_length=64)),
                ('media_type', fields.CharField(max_length=40)),
                ('size', fields.BigIntField(description='bytes')),
                ('width', fields.IntField()),
                ('height', fields.IntField()),
                ('patient_ref', fields.CharField(null=True, max_length=100)),
                ('holdout', fields.BooleanField(description='kept for judging models, never trained on')),
                ('features', fields.CharField(null=True, description='the extractor whose features are stored', max_length=80)),
                ('failure', fields.CharField(null=True, description='why no prediction could be made', max_length=300)),
                ('uploaded_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'image', 'app': 'store', 'unique_together': (('owner_id', 'sha256'),), 'indexes': [Index(fields=['owner_id', 'id'])], 'pk_attr': 'id', 'table_description': 'An uploaded radiograph. Its pixels and features lie in the blob store under ``key``.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='NewsPost',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('title', fields.CharField(max_length=200)),
                ('body', fields.TextField(description='Markdown', unique=False)),
                ('author', fields.ForeignKeyField('store.User', source_field='author_id', db_constraint=True, to_field='id', related_name='news', on_delete=OnDelete.CASCADE)),
                ('published_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'news_post', 'app': 'store', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Prediction',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('image', fields.ForeignKeyField('store.Image', source_field='image_id', db_constraint=True, to_field='id', related_name='predictions', on_delete=OnDelete.CASCADE)),
                ('model', fields.ForeignKeyField('store.ModelVersion', source_field='model_id', db_constraint=True, to_field='id', related_name='predictions', on_delete=OnDelete.CASCADE)),
                ('finding', fields.CharEnumField(null=True, description='COVID: COVID\nNO_COVID: NO_COVID', enum_type=Finding, max_length=8)),
                ('probability', fields.FloatField()),
                ('margin', fields.FloatField(description="distance of the probability from the model's threshold")),
                ('abstained', fields.CharEnumField(null=True, description='NOT_A_CHEST_XRAY: NOT_A_CHEST_XRAY\nOUT_OF_DISTRIBUTION: OUT_OF_DISTRIBUTION\nUNCERTAIN: UNCERTAIN', enum_type=AbstainReason, max_length=20)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'prediction', 'app': 'store', 'unique_together': (('image_id', 'model_id'),), 'indexes': [Index(fields=['model_id', 'margin', 'id'])], 'pk_attr': 'id', 'table_description': 'What one model said of one image, never changed afterwards.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Token',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user', fields.ForeignKeyField('store.User', source_field='user_id', db_constraint=True, to_field='id', related_name='tokens', on_delete=OnDelete.CASCADE)),
                ('purpose', fields.CharEnumField(description='SESSION: SESSION\nVERIFY_EMAIL: VERIFY_EMAIL\nRESET_PASSWORD: RESET_PASSWORD', enum_type=TokenPurpose, max_length=16)),
                ('sha256', fields.CharField(unique=True, max_length=64)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'token', 'app': 'store', 'indexes': [Index(fields=['user_id', 'purpose'])], 'pk_attr': 'id', 'table_description': 'A secret handed to a person, kept as its SHA-256 alone.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='TrainingRun',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('slot', fields.SmallIntField(null=True, unique=True)),
                ('state', fields.CharEnumField(default=RunState.QUEUED, description='QUEUED: QUEUED\nTRAINING: TRAINING\nEVALUATING: EVALUATING\nPROMOTED: PROMOTED\nREJECTED: REJECTED\nFAILED: FAILED\nCANCELLED: CANCELLED', enum_type=RunState, max_length=10)),
                ('trigger', fields.CharEnumField(description='THRESHOLD: THRESHOLD\nADMIN: ADMIN', enum_type=RunTrigger, max_length=10)),
                ('requested_by', fields.ForeignKeyField('store.User', source_field='requested_by_id', null=True, db_constraint=True, to_field='id', related_name='runs', on_delete=OnDelete.SET_NULL)),
                ('label_count', fields.IntField(default=0, description='labels that this run claimed')),
                ('epoch', fields.IntField(default=0)),
                ('epochs', fields.IntField()),
                ('loss', fields.FloatField(null=True)),
                ('model', fields.ForeignKeyField('store.ModelVersion', source_field='model_id', null=True, db_constraint=True, to_field='id', related_name='runs', on_delete=OnDelete.SET_NULL)),
                ('error', fields.TextField(null=True, unique=False)),
                ('fence', fields.IntField(default=0, description='raised by every takeover, so that the holder of an older one is stale')),
                ('lease_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('queued_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('finished_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'training_run', 'app': 'store', 'pk_attr': 'id', 'table_description': 'One retraining. ``slot`` is 1 while the run is under way and null afterwards: one run at a time.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Label',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('image', fields.ForeignKeyField('store.Image', source_field='image_id', db_constraint=True, to_field='id', related_name='label_entries', on_delete=OnDelete.CASCADE)),
                ('finding', fields.CharEnumField(description='COVID: COVID\nNO_COVID: NO_COVID', enum_type=Finding, max_length=8)),
                ('evidence', fields.CharEnumField(default=Evidence.UNSTATED, description='RT_PCR: RT_PCR\nANTIGEN: ANTIGEN\nCT: CT\nRADIOLOGIST: RADIOLOGIST\nCLINICAL: CLINICAL\nUNSTATED: UNSTATED', enum_type=Evidence, max_length=12)),
                ('submitted_by', fields.ForeignKeyField('store.User', source_field='submitted_by_id', db_constraint=True, to_field='id', related_name='labels', on_delete=OnDelete.CASCADE)),
                ('claimed_by', fields.ForeignKeyField('store.TrainingRun', source_field='claimed_by_id', null=True, description='the run that counted this label towards its threshold', db_constraint=True, to_field='id', related_name='labels_claimed', on_delete=OnDelete.SET_NULL)),
                ('used_in', fields.ManyToManyField('store.ModelVersion', unique=True, db_constraint=True, through='model_label', forward_key='modelversion_id', backward_key='label_id', related_name='labels', on_delete=OnDelete.CASCADE)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'label', 'app': 'store', 'indexes': [Index(fields=['claimed_by_id']), Index(fields=['image_id', 'id'])], 'pk_attr': 'id', 'table_description': 'One entry of the append-only ledger of ground truth. A correction is a new entry.'},
            bases=['Model'],
        ),
    ]
