"""Write the table of keywords in docs/streams.md from their list in vary/streams/options.py.

Run it as `python tools/keywords.py`; a test says when it is due.
"""

from dataclasses import fields
from pathlib import Path

from vary.streams.options import Arguments

PAGE = Path(__file__).resolve().parents[1] / "docs" / "streams.md"
BEGIN, END = "<!-- keywords: written by tools/keywords.py -->\n", "<!-- end of keywords -->\n"


def table() -> str:
    lines = ["| keyword | default | meaning |", "|---|---|---|"]
    for one in fields(Arguments):
        if one.kw_only:
            first, _, _ = one.metadata["doc"].partition(". ")
            link = f" ([more](#{one.metadata['more']}))" if one.metadata["more"] else ""
            default = repr(one.default).replace("'", '"')
            lines.append(f"| `{one.name}` | `{default}` | {first.removesuffix('.')}{link} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
