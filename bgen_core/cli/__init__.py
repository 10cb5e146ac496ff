"""The command line: everything that the pages do, headless. One module per command; `main` turns errors into words."""

import errno
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from pydantic import ValidationError

from bgen_core.cli import exit_codes
from bgen_core.cli.called_as import called_as
from bgen_core.cli.given_once import GivenOnceCommand
from bgen_core.cli.streams import (
    check_words,
    log_to_terminal,
    open_closed_streams,
    stream_to_nowhere,
    write_every_letter,
)
from bgen_core.errors import StoreError, UserInputError
from bgen_core.models.devices import prepare_process_for_inference
from bgen_core.wording import printable, quoted

# Name -> module and function, or group of commands. Only what is called is imported: nobody waits for the others.
COMMANDS = {
    "app": "serve:serve",
    "segment": "segment:segment",
    "generate": "generate:generate",
    "sweep": "sweep:sweep",
    "reproduce": "reproduce:reproduce",
    "runs": "run_files:runs_app",
    "metrics": "metrics:metrics_app",
    "store": "store:store_app",
    "tokens": "tokens:tokens_app",
    "dispatch": "scaling.dispatch:dispatch",
    "cluster": "scaling.cluster:cluster_app",
    "models": "models:models",
    "doctor": "doctor:doctor",
    "bench": "bench:bench",
}


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """The command that the words call; all commands where they call none, for help and for what is mistyped."""
    app = typer.Typer(
        name="bgen",
        help="Keep the person in a photo, repaint everything behind them, compare every image.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # without it one command would need no name
    for name in [words[0]] if words and words[0] in COMMANDS else COMMANDS:
        module_name, _, attribute = COMMANDS[name].partition(":")
        module = import_module(f"bgen_core.cli.{module_name}")
        command = getattr(module, attribute)
        if isinstance(command, typer.Typer):
            for each in command.registered_commands:
                each.cls = GivenOnceCommand
            app.add_typer(command, name=name)
        else:
            settings = getattr(module, "CONTEXT_SETTINGS", None)
            app.command(name, cls=GivenOnceCommand, context_settings=settings)(command)
    return app


def main() -> None:
    """Run the command line: exit 0; 2 with one sentence for what a person can mend, the store too; 1 for a fault."""
    open_closed_streams()
    prepare_process_for_inference()
    write_every_letter()
    log_to_terminal()
    try:
        check_words(sys.argv[1:])
        code = command_line(sys.argv[1:])(standalone_mode=False)
        sys.stdout.flush()
    except (UserInputError, StoreError) as error:
        code = _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = exit_codes.INTERRUPTED
    except typer.TyperException as error:  # an unknown option, a missing argument, a word where a number belongs
        code = _complain(_usage_sentence(error))
    except Exception as error:
        code = _unforeseen(error)
    sys.exit(code if isinstance(code, int) else 0)


def _unforeseen(error: Exception) -> int:
    """What is nobody's sentence: a fault of the program, unless an answer did not get where it should go."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE):
        sys.stdout = stream_to_nowhere()  # else Python tries once more at its end
        return (
            exit_codes.FAULT if error.errno == errno.EPIPE else _complain(f"{error.strerror}: make room, then repeat.")
        )
    logging.getLogger(__name__).exception("this is a fault of the program")
    return exit_codes.FAULT


def _usage_sentence(error: typer.TyperException) -> str:
    format_message = getattr(error, "format_message", None)
    text: str = format_message() if format_message else str(error)
    if isinstance(error.__cause__, ValidationError):  # typer 0.29 does not show the value
        value = error.__cause__.errors()[0]["input"]
        text = text.replace("Invalid value", f"Invalid value {quoted(value)}", 1).partition(", unable to parse")[0]
    words = " ".join([called_as(), *_command_of(error), "--help"])
    return f"{text.rstrip(chr(46))}: see `{words}`." if text else ""


def _command_of(error: typer.TyperException) -> list[str]:
    """The command that was called wrongly, as its words, such as ["store", "check"]; none for the program itself."""
    words: list[str] = []
    context = getattr(error, "ctx", None)
    while context is not None and context.parent is not None:
        words.insert(0, str(context.info_name))
        context = context.parent
    return words


def _complain(sentence: str) -> int:
    if sentence:
        sys.stderr.write(f"bgen: {printable(sentence)}\n")
    return exit_codes.CAN_BE_MENDED
