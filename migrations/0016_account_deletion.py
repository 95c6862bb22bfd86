from tortoise import migrations
from tortoise.migrations import operations as ops
from store.tables import NoticeKind
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0015_trail')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Notice',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kind', fields.CharEnumField(description='ACCOUNT_DELETED: ACCOUNT_DELETED', enum_type=NoticeKind, max_length=20)),
                ('email', fields.CharField(max_length=254)),
                ('name', fields.CharField(max_length=100)),
                ('locale', fields.CharField(max_length=10)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'notice', 'app': 'store', 'pk_attr': 'id', 'table_description': 'A mail to whoever had an account. The row goes with the mail, so that the address is kept no longer.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='User',
            name='deleted_at',
            field=fields.DatetimeField(null=True, description="when an account was deleted, whose labels of others' images and news stay", auto_now=False, auto_now_add=False),
        ),
    ]
