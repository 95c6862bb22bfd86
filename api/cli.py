"""The command line: `covidxr COMMAND`."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from api import administration, backup, doctor, predicting, restore, serve, study, teaching, trail, worker
from api.preparation import CannotStart
from api.processes import let_others_end
from api.settings import complaints, unknown_settings
from services.backup_files import BackupUnusable
from store.database_faults import DatabaseUnusable

app = typer.Typer(
    name="covidxr",
    help="COVID-19 detection on chest X-rays, for research, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("migrate")(administration.migrate)
app.command("create-admin")(administration.create_admin)
app.command("reset-second-factor")(administration.reset_second_factor)
app.command("end-sessions")(administration.end_sessions)
app.command("model-card")(administration.model_card)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("doctor")(doctor.doctor)
app.add_typer(trail.app, name="audit")
app.command("predict")(predicting.predict)
app.command("train")(teaching.train)
app.command("evaluate")(study.evaluate)
app.command("default-model")(teaching.default_model)


@app.callback()
def warn(context: typer.Context) -> None:
    """COVID-19 detection on chest X-rays, for research, not for diagnosis."""
    if context.invoked_subcommand == "doctor":  # says so itself
        return
    for line in unknown_settings():
        typer.echo(line, err=True)


def main() -> None:
    """Run a command; what an operator can mend is said in a line: status 2 of a setting, else 1."""
    try:
        app()
    except ValidationError as error:
        for line in complaints(error):
            typer.echo(line, err=True)
        sys.exit(2)
    except (BackupUnusable, CannotStart, DatabaseUnusable) as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    finally:
        let_others_end()


if __name__ == "__main__":
    main()
