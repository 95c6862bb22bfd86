from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0001_first_tables')]

    initial = False

    operations = [
        ops.AddField(
            model_name='ModelVersion',
            name='record',
            field=fields.JSONField(null=True, description='data, method, figures and audit, as its making found them', encoder=JSON_DUMPS, decoder=loads),
        ),
    ]
