"""Plots as SVG, made of strings: lines over a few points."""

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 70, 50, 40, 150
COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e6c1f", "#7d3c98"]


def text(x, y, content, anchor="middle", size=13):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{content}</text>'


def short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"


def lines(title, across, up, series):
    """`series`: for each name its points (x, y). Places on the x axis stand evenly apart; y begins at zero."""
    places = sorted({x for points in series.values() for x, _ in points})
    most = max(y for points in series.values() for _, y in points) * 1.1 or 1

    def x_of(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (places.index(value) / max(1, len(places) - 1))

    def y_of(value):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / most

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(WIDTH / 2, 22, title, size=15),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across),
        text(14, TOP - 12, up, anchor="start"),
    ]
    for step in range(5):
        value = most * step / 4
        parts.append(f'<path d="M{LEFT} {y_of(value):.0f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, y_of(value) + 4, short(float(f"{value:.2g}")), anchor="end"))
    parts += [text(x_of(place), HEIGHT - BOTTOM + 20, short(place)) for place in places]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in sorted(points))
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<g fill="{colour}">{text(WIDTH - RIGHT + 12, TOP + 20 + 20 * number, name, anchor="start")}</g>')
    return "\n".join(parts + ["</svg>"]) + "\n"
