"""llms.txt is as tools/llms.py writes it, and names every document."""

import re
import runpy

from conftest import ROOT


def test_the_index_is_up_to_date() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "llms.py"))
    assert tool["TARGET"].read_text(encoding="utf-8") == tool["text"](), "run python tools/llms.py"


def test_its_links_lead_to_documents() -> None:
    links = re.findall(r"\]\(([^)]*)\): \S", (ROOT / "llms.txt").read_text(encoding="utf-8"))
    assert {ROOT / link for link in links} >= {*ROOT.glob("docs/*.md"), ROOT / "README.md"}
    assert all((ROOT / link).is_file() for link in links)
