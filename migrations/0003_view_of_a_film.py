from tortoise import migrations
from tortoise.migrations import operations as ops
from store.tables import FilmView
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0002_record_of_a_model')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Image',
            name='view',
            field=fields.CharEnumField(null=True, description='found with the features', enum_type=FilmView, max_length=10),
        ),
    ]
