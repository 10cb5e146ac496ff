"""The command line's options for a run's parameters, derived from their table."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from bgen_core.parameters import PARAMETERS, Parameter
from bgen_core.sweep.axes import FORMS

_Command = TypeVar("_Command", bound=Callable[..., None])
_TYPES: dict[str, type] = {"text": str, "name": str, "whole number": int, "number": float}


def one_value_each(command: _Command) -> _Command:
    """Put an option of one value for each parameter in the place of a command's `**given`, which gets them by name."""
    return _with_options(command, _value_option)


def an_axis_each(command: _Command) -> _Command:
    """Put an option of one or several values for each parameter in the place of a command's `**given`."""
    return _with_options(command, _axis_option)


def _with_options(command: _Command, annotation_of: Callable[[Parameter], Any]) -> _Command:
    options = [
        inspect.Parameter(each.option, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation_of(each))
        for each in PARAMETERS
    ]
    signature = inspect.signature(command)
    own = signature.parameters.values()
    arguments = [each for each in own if each.kind is each.POSITIONAL_OR_KEYWORD]
    options += [each for each in own if each.kind is each.KEYWORD_ONLY]
    # Typer reads a command's options from its signature, and calls it by keywords.
    command.__signature__ = signature.replace(parameters=[*arguments, *options])
    return command


def _value_option(parameter: Parameter) -> Any:
    allowed = f" Allowed: {parameter.range}." if parameter.range else ""
    return Annotated[_TYPES[parameter.kind] | None, typer.Option(help=f"{_shown(parameter)}{allowed}")]


def _axis_option(parameter: Parameter) -> Any:
    if parameter.kind == "text":
        return Annotated[list[str] | None, typer.Option(help=f"{_shown(parameter)} Several make an axis.")]
    forms = f"{','.join(parameter.names()[1:3])},…" if parameter.names() else FORMS
    return Annotated[str | None, typer.Option(metavar="AXIS", help=f"{_shown(parameter)} {forms}")]


def _shown(parameter: Parameter) -> str:
    """Its help where Typer takes [word] for a colour."""
    return parameter.help.replace("[", r"\[")
