"""Names of things, a type for each: one that stands where another belongs is found before anything runs.

A text becomes one where it comes in: from a row of the database, a file, an address or a command line. What a person
types may be the beginning of an id alone, and stays a text until the store has found what it means.
"""

from typing import NewType

RunId = NewType("RunId", str)
"""A run's content address: everything that can change one of its pixels; 64 hexadecimal digits."""

RawId = NewType("RawId", str)
"""Content address of what the diffusion model makes, by what makes it: runs that differ in their pasting share it."""

BlobHash = NewType("BlobHash", str)
"""Content address of a file: the SHA-256 of its bytes."""

SubjectId = NewType("SubjectId", str)
"""Content address of photo and alpha together."""

SweepId = NewType("SweepId", str)
"""A name that nobody can guess, since it is the sweep's link."""

LinkId = NewType("LinkId", str)
"""A random name of a read-only link; what stands in its address is signed."""

VisitorId = NewType("VisitorId", str)
"""Twelve random hexadecimal digits of a browser's cookie, or what a program calls itself."""

WorkerId = NewType("WorkerId", str)
"""A random name of one process that shares a store's work, for as long as it lives."""

NOBODY = VisitorId("")
NO_SUBJECT = SubjectId("")  # in a plan that is checked before its photos are read, and in pictures of others
COMMAND_LINE = VisitorId("command line")  # what commands and scripts of the server's own machine make
