from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0005_place_of_an_image')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Label',
            name='by_admin',
            field=fields.BooleanField(default=False, db_default=False, description='whether an administrator entered it'),
        ),
        ops.AddField(
            model_name='Label',
            name='withdrawal_reason',
            field=fields.CharField(null=True, max_length=500),
        ),
        ops.AddField(
            model_name='Label',
            name='withdrawn_at',
            field=fields.DatetimeField(null=True, description='since when it counts nowhere', auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Label',
            name='withdrawn_by',
            field=fields.ForeignKeyField('store.User', source_field='withdrawn_by_id', null=True, db_constraint=True, to_field='id', related_name='withdrawals', on_delete=OnDelete.SET_NULL),
        ),
        ops.AddField(
            model_name='User',
            name='block_reason',
            field=fields.CharField(null=True, max_length=500),
        ),
        ops.AddField(
            model_name='User',
            name='blocked_at',
            field=fields.DatetimeField(null=True, description='since when the user cannot sign in', auto_now=False, auto_now_add=False),
        ),
    ]
