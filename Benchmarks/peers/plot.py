# SPDX-License-Identifier: MIT
"""A bar chart as SVG, drawn without a library: groups of horizontal bars, each group scaled to its longest."""

from html import escape

COLOURS = ("#e8572a", "#8a94a6", "#a9b2c0", "#c6ccd6")
WIDTH, LEFT, BAR, GAP, HEAD = 760, 120, 15, 34, 64


def bars(title: str, groups: list[tuple[str, dict[str, float]]], unit: str) -> str:
    """The chart: a heading for each group, then a bar for each name with its figure at the end."""
    longest = WIDTH - LEFT - 130
    parts, y = [], HEAD
    for heading, figures in groups:
        parts.append(f'<text x="16" y="{y}" class="heading">{escape(heading)}</text>')
        y += 8
        top = max(figures.values())
        for colour, (name, figure) in zip(COLOURS, figures.items()):
            length = max(1.0, longest * figure / top)
            parts.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{colour}" rx="2"/>')
            parts.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 12}">{readable(figure)} {escape(unit)}</text>')
            y += BAR
        y += GAP
    style = "text{font:12px system-ui,sans-serif;fill:#444}.heading{font-weight:600}.title{font-size:16px;font-weight:600}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">',
            f"<title>{escape(title)}</title><style>{style}</style>",
            f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>',
            f'<text x="16" y="30" class="title">{escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def readable(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
