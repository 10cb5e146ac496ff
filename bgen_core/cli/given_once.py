"""Options that take one value are given once: the last of several would silently win."""

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from bgen_core.errors import UserInputError


class GivenOnceCommand(TyperCommand):
    """A command that refuses an option of one value that stands there twice."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option, times in Counter(option for option in given if _takes_one_value(option)).items():
            if times > 1:
                how = ", with commas between its values" if option.metavar == "AXIS" else ""
                raise UserInputError(f"{option.opts[0]} is given {times} times: give it once{how}.")
        return super().parse_args(ctx, args)


def _takes_one_value(option: Any) -> bool:
    return option.param_type_name == "option" and not (option.multiple or option.is_flag or option.count)
