"""The words of the command line: refused in three parts, none of them empty, no option taken twice.

Enters: options as `argparse` knows them.  Leaves: a parser whose errors are `RagteachError`.

argparse itself keeps the last of two values and says nothing; whoever wrote the first would wonder.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from ragteach.errors import refuse, shown


class Options(argparse.ArgumentParser):
    """A parser that refuses in three parts. Its sub-commands' parsers are of this kind too."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # An option is written in full: --seed is no short form of --seeds, which is another thing.
        super().__init__(*args, **({"allow_abbrev": False} | options))
        self.words: Sequence[str] = ()
        self.register("action", None, _Single)
        self.register("action", "store", _Single)

    def error(self, message: str) -> NoReturn:
        got = message if len(message) <= 300 else message[:300] + " ..."
        if file := re.match(r"unrecognized arguments: ([^-\s]\S*\.\w+)", message):
            raise refuse(
                expected=f"words that {self.prog} knows",
                got=got,
                fix=f"where a command takes its file by an option, write --data {file[1]}; look at "
                f"{self.prog} --help",
            )
        fix = self._likely(message)
        raise refuse(
            expected=f"words that {self.prog} knows",
            got=got,
            fix=f"{fix}look at {self.prog} --help; a value that begins with a dash is written "
            "--option=-value",
        )

    def _likely(self, message: str) -> str:
        """The option that an unknown one was meant to be, if there is one like it."""
        unknown = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        if unknown is None:
            return ""
        known = set(self._option_string_actions)
        for action in self._actions:
            commands = action.choices if isinstance(action, argparse._SubParsersAction) else {}
            for name, parser in commands.items():
                if name in self.words:
                    known |= set(parser._option_string_actions)
        near = difflib.get_close_matches(unknown[1], sorted(known), 1)
        return f"did you mean {near[0]}? Else " if near else ""

    def parse_words(self, words: Sequence[str]) -> argparse.Namespace:
        """The words as options; refuses empty ones."""
        for word in words:
            if not word.strip() or re.fullmatch(r"--[\w-]+=\s*", word):
                self.error(f"an empty word, {shown(word)}")
        self.words = words
        options = self.parse_args(words)
        vars(options).pop(GIVEN, None)
        return options


GIVEN = "_given"  # the options that were there, while they are read


class _Single(argparse.Action):
    """Keep a value; refuse a second one for the same option."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        given = vars(namespace).setdefault(GIVEN, set())
        if option_string and self.dest in given:
            raise argparse.ArgumentError(self, "given twice")
        given.add(self.dest)
        setattr(namespace, self.dest, values)
