from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0004_policy_and_finding_changes')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Prediction',
            name='place',
            field=fields.CharField(null=True, description='where the image lies among chests, 32 float16 in base64', max_length=88),
        ),
    ]
