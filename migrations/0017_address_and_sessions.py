from tortoise import migrations
from tortoise.migrations import operations as ops
from store.tables import NoticeKind, TokenPurpose
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0016_account_deletion')]

    initial = False

    operations = [
        ops.AlterModelOptions(
            name='Notice',
            options={'table': 'notice', 'app': 'store', 'pk_attr': 'id', 'table_description': "A mail to an address that may be no account's any more. The row, and so the address, goes with it."},
        ),
        ops.AlterField(
            model_name='Notice',
            name='kind',
            field=fields.CharEnumField(description='ACCOUNT_DELETED: ACCOUNT_DELETED\nEMAIL_CHANGED: EMAIL_CHANGED\nEMAIL_IN_USE: EMAIL_IN_USE', enum_type=NoticeKind, max_length=20),
        ),
        ops.AlterField(
            model_name='Token',
            name='purpose',
            field=fields.CharEnumField(description='SESSION: SESSION\nVERIFY_EMAIL: VERIFY_EMAIL\nRESET_PASSWORD: RESET_PASSWORD\nCHANGE_EMAIL: CHANGE_EMAIL', enum_type=TokenPurpose, max_length=16),
        ),
        ops.AddField(
            model_name='Token',
            name='client',
            field=fields.CharField(null=True, description="what a session's browser calls itself", max_length=200),
        ),
        ops.AddField(
            model_name='Token',
            name='email',
            field=fields.CharField(null=True, description='the address that it moves an account to', max_length=254),
        ),
    ]
