from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0008_drift')]

    initial = False

    operations = [
        ops.AddField(
            model_name='TrainingRun',
            name='left_out',
            field=fields.JSONField(null=True, description='labelled images that do not teach it, by cause, once it has gathered what does', encoder=JSON_DUMPS, decoder=loads),
        ),
    ]
