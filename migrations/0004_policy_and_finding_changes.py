from tortoise import migrations
from tortoise.migrations import operations as ops
from store.tables import RunState
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0003_view_of_a_film')]

    initial = False

    operations = [
        ops.CreateModel(
            name='FindingChange',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('image', fields.ForeignKeyField('store.Image', source_field='image_id', db_constraint=True, to_field='id', related_name='finding_changes', on_delete=OnDelete.CASCADE)),
                ('deployment', fields.ForeignKeyField('store.Deployment', source_field='deployment_id', db_constraint=True, to_field='id', related_name='finding_changes', on_delete=OnDelete.CASCADE)),
                ('prediction', fields.ForeignKeyField('store.Prediction', source_field='prediction_id', db_index=True, description='the one that counts since', db_constraint=True, to_field='id', related_name='changes_to', on_delete=OnDelete.CASCADE)),
                ('previous', fields.ForeignKeyField('store.Prediction', source_field='previous_id', db_index=True, description='what the owner knew', db_constraint=True, to_field='id', related_name='changes_from', on_delete=OnDelete.CASCADE)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'finding_change', 'app': 'store', 'unique_together': (('image_id', 'deployment_id'),), 'pk_attr': 'id', 'table_description': 'A promotion gave an image another finding than its owner had been told of before.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='RetrainingPolicy',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('number', fields.IntField(unique=True, description='of two changes at once, one fails and is made again')),
                ('threshold', fields.IntField(description='new labels that start a run')),
                ('minutes_between', fields.IntField(description='least time between automatic runs')),
                ('labels_per_class', fields.IntField(description='new labels of each class that a run needs')),
                ('sensitivity_margin', fields.FloatField()),
                ('specificity_margin', fields.FloatField()),
                ('auc_margin', fields.FloatField()),
                ('share_per_user', fields.FloatField(description='of the labels that a run learns from, 0 to 1')),
                ('changed_by', fields.ForeignKeyField('store.User', source_field='changed_by_id', null=True, db_constraint=True, to_field='id', related_name='policies', on_delete=OnDelete.SET_NULL)),
                ('changed_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'retraining_policy', 'app': 'store', 'pk_attr': 'id', 'table_description': 'When runs start by themselves, and how strict the gate is. Appended to, and the latest counts.'},
            bases=['Model'],
        ),
        ops.AlterField(
            model_name='TrainingRun',
            name='state',
            field=fields.CharEnumField(default=RunState.QUEUED, description='QUEUED: QUEUED\nTRAINING: TRAINING\nEVALUATING: EVALUATING\nPROMOTED: PROMOTED\nREJECTED: REJECTED\nAWAITING: AWAITING\nFAILED: FAILED\nCANCELLED: CANCELLED', enum_type=RunState, max_length=10),
        ),
        ops.AddField(
            model_name='TrainingRun',
            name='learned_by',
            field=fields.DatetimeField(null=True, description='when the learning should be over, by the epochs so far', auto_now=False, auto_now_add=False),
        ),
    ]
