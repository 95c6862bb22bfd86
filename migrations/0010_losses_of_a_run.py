from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0009_left_out_of_a_run')]

    initial = False

    operations = [
        ops.AddField(
            model_name='TrainingRun',
            name='lost',
            field=fields.IntField(default=0, db_default=0, description='holders whose lease ran out, since they died or hung'),
        ),
    ]
