from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0006_conflicts_withdrawals_blocks')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Image',
            name='fingerprint',
            field=fields.CharField(null=True, description='by which copies of a film are known', max_length=64),
        ),
    ]
