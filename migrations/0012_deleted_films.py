from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('store', '0011_fault_of_an_image')]

    initial = False

    operations = [
        ops.CreateModel(
            name='DeletedFilm',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('sha256', fields.CharField(max_length=64)),
                ('fingerprint', fields.CharField(null=True, max_length=64)),
                ('taught', fields.BooleanField(description='it may have taught a model, else it was kept for judging them')),
            ],
            options={'table': 'deleted_film', 'app': 'store', 'indexes': [Index(fields=['sha256'])], 'pk_attr': 'id', 'table_description': 'What stays of a deleted image that was held out or taught, so that its picture never changes sides.'},
            bases=['Model'],
        ),
    ]
