from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('store', '0014_deaths_over_an_image')]

    initial = False

    operations = [
        ops.CreateModel(
            name='TrailEntry',
            fields=[
                ('at', fields.DatetimeField(description='when it was done', auto_now=False, auto_now_add=False)),
                ('kind', fields.CharField(description='a TrailKind, of this version or of another one', max_length=40)),
                ('actor_id', fields.BigIntField(null=True, description='the user, null where the platform or an operator did')),
                ('subjects', fields.JSONField(description='ids of what it was done to, by type', encoder=JSON_DUMPS, decoder=loads)),
                ('value', fields.CharField(null=True, description='an enumeration or a count', max_length=40)),
                ('reason', fields.CharField(null=True, description="an administrator's", max_length=500)),
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('position', fields.BigIntField(unique=True, description='of two who seal at once, one fails')),
                ('previous', fields.CharField(description='SHA-256 of the entry before', max_length=64)),
                ('sha256', fields.CharField(unique=True, description='of all the rest of this entry', max_length=64)),
            ],
            options={'table': 'trail_entry', 'app': 'store', 'indexes': [Index(fields=['kind', 'position']), Index(fields=['actor_id', 'position']), Index(fields=['at'])], 'pk_attr': 'id', 'table_description': 'A sealed note at its place in the chain, the first at 1, without gaps. Never changed, never deleted.'},
            bases=['TrailFields'],
        ),
        ops.CreateModel(
            name='TrailNote',
            fields=[
                ('at', fields.DatetimeField(description='when it was done', auto_now=False, auto_now_add=False)),
                ('kind', fields.CharField(description='a TrailKind, of this version or of another one', max_length=40)),
                ('actor_id', fields.BigIntField(null=True, description='the user, null where the platform or an operator did')),
                ('subjects', fields.JSONField(description='ids of what it was done to, by type', encoder=JSON_DUMPS, decoder=loads)),
                ('value', fields.CharField(null=True, description='an enumeration or a count', max_length=40)),
                ('reason', fields.CharField(null=True, description="an administrator's", max_length=500)),
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
            ],
            options={'table': 'trail_note', 'app': 'store', 'pk_attr': 'id', 'table_description': 'What committed with the rows that it tells of, and waits to be sealed.'},
            bases=['TrailFields'],
        ),
    ]
