"""The chart of the README: bars of microseconds an image, one panel for each row, written as SVG."""

from __future__ import annotations

from html import escape
from typing import Any

PANELS = {
    "normalize-224": "flip + affine + Normalize, to float32 NHWC, 224x224",
    "normalize-150": "flip + affine + Normalize, to float32 NHWC, 150x150",
    "uint8-224": "flip + affine, uint8 to uint8 NHWC, 224x224",
    "crop-224": "RandomResizedCrop + flip + ColorJitter + Normalize, to float32 NHWC, 224x224",
    "rescale-224": "flip + affine + Rescale, to float32 NCHW, 224x224",
}
WIDTH, LEFT, RIGHT = 760, 150, 110
BAR, GAP, HEAD, FOOT = 18, 6, 40, 26
STYLE = """
  svg { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  text { fill: #24292f; } .quiet { fill: #57606a; } .title { font-weight: 600; }
  .bar { fill: #b6c2cf; } .vary { fill: #d9480f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #9da7b1; } .bar { fill: #4b5866; } .vary { fill: #ff8a4c; }
  }
"""


def svg(results: dict[str, Any], names: dict[str, str]) -> str:
    """`names` maps labels of contestants to their names in the chart. Each panel has its own scale."""
    rows = {row["name"]: row for row in results["rows"]}
    parts, top = [], 30
    for name, title in PANELS.items():
        if name in rows and rows[name]["figures"]:
            drawn, height = panel(rows[name], title, top, names)
            parts += drawn
            top += height
    machine = f"{results['machine']['cpu']}, one thread; {results['date'][:10]}, commit {results['commit']}"
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top + FOOT}"'
                f' viewBox="0 0 {WIDTH} {top + FOOT}" role="img" aria-label="Microseconds an image">'
            ),
            f"<style>{STYLE}</style>",
            '<text class="title" x="8" y="20">Microseconds an image, draws included: shorter is better</text>',
            *parts,
            f'<text class="quiet" x="8" y="{top + 14}">{escape(machine)}</text>',
            "</svg>",
            "",
        ]
    )


def panel(row: dict[str, Any], title: str, top: int, names: dict[str, str]) -> tuple[list[str], int]:
    """The lines of a panel, fastest first and without the floor, and its height."""
    figures = {label: stats["median"] for label, stats in row["figures"].items() if label != "floor"}
    ordered = sorted(figures, key=lambda label: figures[label])
    scale = (WIDTH - LEFT - RIGHT) / max(figures.values())
    parts = [f'<text class="quiet" x="8" y="{top + HEAD - 18}">{escape(title)}</text>']
    for number, label in enumerate(ordered):
        y = top + HEAD - 8 + number * (BAR + GAP)
        width = max(figures[label] * scale, 1)
        ratio = row["ratios"].get(label, {}).get("median")
        value = f"{figures[label]:,.0f}" + (f" ({ratio:.1f}x)" if ratio else "")
        kind = "bar vary" if label == "vary" else "bar"
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(names.get(label, label))}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{LEFT + width + 6:.1f}" y="{y + 14}">{value}</text>',
        ]
    return parts, HEAD + len(ordered) * (BAR + GAP)
