"""The command line: everything that the pages do, headless. One module per command; `main` turns errors into words."""

import logging
import sys

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.bench import bench
from bgen_core.cli.called_as import called_as
from bgen_core.cli.doctor import doctor
from bgen_core.cli.generate import generate
from bgen_core.cli.metrics import metrics_app
from bgen_core.cli.models import models
from bgen_core.cli.reproduce import reproduce
from bgen_core.cli.run_files import runs_app
from bgen_core.cli.scaling.cluster import cluster_app
from bgen_core.cli.scaling.dispatch import dispatch
from bgen_core.cli.segment import segment
from bgen_core.cli.serve import PASSES_OPTIONS_ON, serve
from bgen_core.cli.store import store_app
from bgen_core.cli.streams import check_words, log_to_terminal, write_every_letter
from bgen_core.cli.sweep import sweep
from bgen_core.cli.tokens import tokens_app
from bgen_core.errors import StoreError, UserInputError
from bgen_core.models.devices import prepare_process_for_inference

app = typer.Typer(
    name="bgen",
    help="Keep the person in a photo, repaint everything behind them, compare every image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("app", context_settings=PASSES_OPTIONS_ON)(serve)
app.command("segment")(segment)
app.command("generate")(generate)
app.command("sweep")(sweep)
app.command("reproduce")(reproduce)
app.add_typer(runs_app, name="runs")
app.add_typer(metrics_app, name="metrics")
app.add_typer(store_app, name="store")
app.add_typer(tokens_app, name="tokens")
app.command("dispatch")(dispatch)
app.add_typer(cluster_app, name="cluster")
app.command("models")(models)
app.command("doctor")(doctor)
app.command("bench")(bench)


def main() -> None:
    """Run the command line: exit 0; 2 with one sentence for what a person can mend, the store too; 1 for a fault."""
    prepare_process_for_inference()
    write_every_letter()
    log_to_terminal()
    try:
        check_words(sys.argv[1:])
        code = app(standalone_mode=False)
    except (UserInputError, StoreError) as error:
        code = _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = exit_codes.INTERRUPTED
    except typer.TyperException as error:  # an unknown option, a missing argument, a word where a number belongs
        code = _complain(_usage_sentence(error))
    except Exception:
        logging.getLogger(__name__).exception("this is a fault of the program")
        code = exit_codes.FAULT
    sys.exit(code if isinstance(code, int) else 0)


def _usage_sentence(error: typer.TyperException) -> str:
    format_message = getattr(error, "format_message", None)
    text: str = format_message() if format_message else str(error)
    return f"{text.rstrip(chr(46))}: see `{called_as()} --help`." if text else ""


def _complain(sentence: str) -> int:
    if sentence:
        sys.stderr.write(f"bgen: {sentence}\n")
    return exit_codes.CAN_BE_MENDED
