from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0013_loss_curve_of_a_run')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Image',
            name='deaths',
            field=fields.SmallIntField(default=0, description='processes that ended while they judged it, and it alone', db_default=0),
        ),
    ]
