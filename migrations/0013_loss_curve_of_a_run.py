from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0012_deleted_films')]

    initial = False

    operations = [
        ops.AddField(
            model_name='TrainingRun',
            name='losses',
            field=fields.JSONField(null=True, description='of each epoch done, in order, null where it has diverged', encoder=JSON_DUMPS, decoder=loads),
        ),
    ]
