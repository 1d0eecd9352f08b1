"""Bytes to text: which encoding a file is in, or what it would read like in those it may be in.

Enters: the bytes of a file.  Leaves: its text.

UTF-8 is read, and so is what names itself by its first bytes (a byte order mark) or by zeros in
every other place (UTF-16). Other encodings do not say what they are: a refusal shows a line as each
likely one reads it, and you know your own language when you see it.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

from ragteach.errors import refuse

BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
# Of two bytes a sign first: by chance, few files are whole in them.
LIKELY = ("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "cp1252", "cp1250", "cp1251",
          "koi8_r", "cp1253", "cp1255", "cp1256", "cp874")  # fmt: skip
# The first byte of common signs: these encodings hold them in a part of their own, by frequency.
COMMON_LEADS = {"shift_jis": (0x88, 0x97), "euc_jp": (0xB0, 0xCF), "gb18030": (0xB0, 0xD7),
                "big5": (0xA4, 0xC6), "euc_kr": (0xB0, 0xC8)}  # fmt: skip
# The most frequent letters, which are about half of a text; of these encodings' languages.
FREQUENT = {"cp1251": "оеаинтіОЕАИНТІ", "koi8_r": "оеаинтОЕАИНТ", "cp1253": "αοιετσςάόίέήη",
            "cp1255": "יוהלארתמ", "cp1256": "اليمونرت", "cp874": "านรอกเงม่้"}  # fmt: skip
RARE_LETTERS = 0.4  # how strange the others are
SPACED = re.compile(
    "[\u4e00-\u9fff] (?=[\u4e00-\u9fff])"
)  # Korean does, Chinese and Japanese don't
NO_KANA = 0.3  # how strange Japanese without a kana is
COMMON_SIGNS = frozenset("“”„‘’‚«»–—…·•€£°©®™¿¡、。，！？：；（）「」『』《》【】")
FOREIGN_RUN = re.compile(r"(?P<before>[A-Za-z]?)(?P<signs>[^\x00-\x7f]+)(?P<after>[A-Za-z]?)")
SAMPLE = 50_000  # bytes that an encoding is tried on
MOST_STRANGE = 0.5
MOST = 5  # encodings that are shown


def decoded(raw: bytes, name: str, encoding: str | None) -> str:
    """The text of a file, in the encoding that you name or that its bytes show.

    Raises:
        RagteachError: no such encoding; bytes that are not of it, with the line they stand in.
    """
    encoding = encoding_of(raw, encoding)
    try:
        return raw.decode("" if "\0" in encoding else encoding)
    except (LookupError, UnicodeEncodeError):  # half a sign is in no encoding's name
        raise refuse(
            expected="the name of a text encoding",
            got=f"encoding = {encoding!r}",
            fix="try 'utf-8'",
        ) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        start = raw.rfind(b"\n", 0, error.start) + 1
        end = raw.find(b"\n", error.start)
        shown = raw[start : end if end >= 0 else None]
        readings = {
            shown.decode(other, "replace").strip()[:60]: other
            for other in reversed(encodings_that_fit(raw))
            if other != encoding
        }
        said = [
            f"with rt.load_table(path, encoding={other!r}) that line reads {reading!r}"
            for reading, other in reversed(readings.items())
        ]
        raise refuse(
            expected=f"text in the encoding {encoding!r}",
            got=f"byte {raw[error.start]:#04x} in line {line} of {name}, which is not",
            fix=f"save the file as UTF-8, or name its encoding: {'; '.join(said)}",
        ) from None


def encoding_of(raw: bytes, encoding: str | None) -> str:
    """The encoding that was named, unless the first bytes name another kind of Unicode."""
    for mark, found in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark) and (encoding is None or encoding.lower() in ("utf-8", "utf8")):
            return found
    if encoding is None and raw[:400].count(0) * 3 > len(raw[:400]):  # every other byte is 0
        return "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    return encoding or "utf-8"


def encodings_that_fit(raw: bytes) -> list[str]:
    """The few encodings in which these bytes read as letters, the likeliest first.

    Example:
        >>> encodings_that_fit("caf\\u00e9, tr\\u00e8s bon".encode("cp1252"))[0]
        'cp1252'
        >>> encodings_that_fit("\\u3068\\u3066\\u3082\\u826f\\u3044".encode("shift_jis"))[0]
        'shift_jis'
    """
    sample = raw[:SAMPLE]
    if len(raw) > SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    strange = {name: _strangeness(sample, name) for name in LIKELY}
    fitting = [name for name in LIKELY if strange[name] < MOST_STRANGE]
    return sorted(fitting, key=lambda name: strange[name])[:MOST] or ["cp1252"]


def _strangeness(raw: bytes, encoding: str) -> float:
    """Share of the signs beyond ASCII that texts rarely hold (0: all usual); 1 if it cannot be
    read.
    """
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return 1.0
    signs = [sign for sign in text if not sign.isascii()]
    strange: float = sum(_strange_in(run) for run in FOREIGN_RUN.finditer(text))
    if encoding in COMMON_LEADS:
        strange += sum(_rare_in(sign, encoding) for sign in signs)
        kana = sum("\u3040" <= sign <= "\u30ff" for sign in signs)
        if encoding in ("shift_jis", "euc_jp"):
            strange += NO_KANA * len(signs) * (kana == 0)  # hardly a sentence is without
        else:
            strange += kana
        strange += 2 * len(SPACED.findall(text))
    if encoding in FREQUENT:
        share = sum(sign in FREQUENT[encoding] for sign in signs) / max(len(signs), 1)
        strange += RARE_LETTERS * (1 - share) * len(signs)
    return min(1.0, strange / max(len(signs), 1))


def _rare_in(sign: str, encoding: str) -> bool:
    """Whether a Chinese or Korean sign stands where the encoding has its rare ones."""
    if not ("\u4e00" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7a3"):
        return False
    low, high = COMMON_LEADS[encoding]
    return not low <= sign.encode(encoding)[0] <= high


def _strange_in(run: re.Match) -> int:
    """How many signs of a run beyond ASCII are out of place there."""
    signs = [sign for sign in run["signs"] if sign not in COMMON_SIGNS]
    latin = all(unicodedata.name(sign, "").startswith("LATIN") for sign in signs)
    misplaced = len(signs) > 2 if latin else bool(run["before"] or run["after"])
    if misplaced:
        return len(signs)
    turned = sum(a.islower() and b.isupper() for a, b in itertools.pairwise(run["signs"]))
    return turned + sum(not _usual_letter(sign) for sign in signs)


def _usual_letter(sign: str) -> bool:
    kind = unicodedata.category(sign)
    name = unicodedata.name(sign, "")
    rare = name.startswith("CJK") and not "\u4e00" <= sign <= "\u9fff"
    return kind in ("Ll", "Lu", "Lo", "Mn", "Mc") and not rare and "HALFWIDTH" not in name
