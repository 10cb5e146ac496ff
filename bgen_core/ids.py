"""Names of things, a type for each: one that is taken for another is found before it runs."""

from typing import NewType

VisitorId = NewType("VisitorId", str)
"""Twelve random hexadecimal digits of a browser's cookie, or what a program calls itself."""

NOBODY = VisitorId("")
