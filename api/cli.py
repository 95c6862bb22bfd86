"""The command line: `covidxr COMMAND`."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from api import administration, serve, study

app = typer.Typer(
    name="covidxr",
    help="COVID-19 detection on chest X-rays, for research, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("migrate")(administration.migrate)
app.command("create-admin")(administration.create_admin)
app.command("predict")(study.predict)
app.command("train")(study.train)
app.command("evaluate")(study.evaluate)
app.command("default-model")(study.default_model)


def main() -> None:
    """Run a command; what an operator can mend is said without a stack trace."""
    try:
        app()
    except ValidationError as error:
        for wrong in error.errors():
            setting = "COVIDXR_" + "_".join(str(part) for part in wrong["loc"]).upper()
            typer.echo(f"{setting}: {wrong['msg']}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
