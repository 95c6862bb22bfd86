from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from store.tables import DriftSignal
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('store', '0007_fingerprint_of_an_image')]

    initial = False

    operations = [
        ops.CreateModel(
            name='DriftWarning',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('model', fields.ForeignKeyField('store.ModelVersion', source_field='model_id', db_constraint=True, to_field='id', related_name='drift_warnings', on_delete=OnDelete.CASCADE)),
                ('signal', fields.CharEnumField(description='ABSTENTIONS: ABSTENTIONS\nPROBABILITY: PROBABILITY\nDISTANCE: DISTANCE\nAGREEMENT: AGREEMENT', enum_type=DriftSignal, max_length=12)),
                ('open', fields.SmallIntField(null=True)),
                ('sentence', fields.CharField(max_length=1000)),
                ('figures', fields.JSONField(description='the signal as it was when the warning was given', encoder=JSON_DUMPS, decoder=loads)),
                ('began_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('ended_at', fields.DatetimeField(null=True, description='when it differed no more, or another model served', auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'drift_warning', 'app': 'store', 'unique_together': (('model_id', 'signal', 'open'),), 'pk_attr': 'id', 'table_description': 'A signal began to differ. ``open`` is 1 while it does and null afterwards: one warning at a time.'},
            bases=['Model'],
        ),
        ops.AddIndex(
            model_name='Image',
            index=Index(fields=['uploaded_at']),
        ),
        ops.AddField(
            model_name='Prediction',
            name='distance',
            field=fields.FloatField(null=True, description='how far the picture lies from chests, in deviations of real ones'),
        ),
    ]
