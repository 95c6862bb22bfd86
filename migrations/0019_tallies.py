from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('store', '0018_second_factor')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Tally',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=64)),
                ('whole_at', fields.FloatField(description='when all that was taken will have come back, in seconds since 1970')),
            ],
            options={'table': 'tally', 'app': 'store', 'indexes': [Index(fields=['whole_at'])], 'pk_attr': 'id', 'table_description': 'How often something was done that may be done so often, of strangers by a mark that names nobody.'},
            bases=['Model'],
        ),
    ]
