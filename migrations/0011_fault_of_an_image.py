from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index


class Migration(migrations.Migration):
    dependencies = [("store", "0010_losses_of_a_run")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Image",
            name="fault",
            field=fields.BooleanField(
                default=False, description="whether the failure is ours: it is tried again", db_default=False
            ),
        ),
        ops.AddIndex(
            model_name="Image",
            index=Index(fields=["fault"]),
        ),
        # Of images that were given up before, the words alone tell whose fault it was.
        ops.RunSQL(
            "UPDATE image SET fault = 1"
            " WHERE failure = 'the image could not be judged, because of a fault of the platform'",
            reverse_sql=ops.RunSQL.noop,
        ),
    ]
