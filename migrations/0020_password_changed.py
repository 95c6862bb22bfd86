from tortoise import migrations
from tortoise.migrations import operations as ops
from store.tables import NoticeKind
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0019_tallies')]

    initial = False

    operations = [
        ops.AlterField(
            model_name='Notice',
            name='kind',
            field=fields.CharEnumField(description='ACCOUNT_DELETED: ACCOUNT_DELETED\nEMAIL_CHANGED: EMAIL_CHANGED\nEMAIL_IN_USE: EMAIL_IN_USE\nPASSWORD_CHANGED: PASSWORD_CHANGED', enum_type=NoticeKind, max_length=20),
        ),
    ]
