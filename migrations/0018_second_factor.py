from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('store', '0017_address_and_sessions')]

    initial = False

    operations = [
        ops.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user', fields.ForeignKeyField('store.User', source_field='user_id', db_constraint=True, to_field='id', related_name='recovery_codes', on_delete=OnDelete.CASCADE)),
                ('sha256', fields.CharField(unique=True, max_length=64)),
            ],
            options={'table': 'recovery_code', 'app': 'store', 'pk_attr': 'id', 'table_description': 'What serves once in place of a code, kept as its SHA-256 alone.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SecondFactor',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user', fields.OneToOneField('store.User', source_field='user_id', db_constraint=True, to_field='id', related_name='second_factor', on_delete=OnDelete.CASCADE)),
                ('secret', fields.CharField(description='base32, as it is since every code needs it', max_length=64)),
                ('last_step', fields.BigIntField(default=0, description='of the last code that was used: no code serves twice', db_default=0)),
            ],
            options={'table': 'second_factor', 'app': 'store', 'pk_attr': 'id', 'table_description': "What makes the codes of a user's authenticator app, in a row of its own, which few ever read."},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='User',
            name='second_factor_at',
            field=fields.DatetimeField(null=True, description='since when signing in asks for a code, too', auto_now=False, auto_now_add=False),
        ),
    ]
