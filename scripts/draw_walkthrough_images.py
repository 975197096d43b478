#!/usr/bin/env python3
"""Draws docs/images/*.svg, the drawings of docs/walkthrough.md.

    scripts/draw_walkthrough_images.py            writes them
    scripts/draw_walkthrough_images.py --check    changes nothing; fails if one is out of date

Each number in them is computed here. Only the standard library.
"""
import argparse
import math
import pathlib
import random
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "images"
INK, SOFT, GRID = "#222222", "#666666", "#dddddd"
MINUS = "\u2212"
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
PALE_BLUE, PALE_ORANGE, PALE_GREEN = "#dbeaf4", "#fae3d5", "#d6efe6"


class Drawing:
    """Shapes of one SVG, on white so that it reads on a dark page too."""

    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = [f"<title>{title}</title>",
                      f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>']

    def text(self, x, y, text, size=14, color=INK, anchor="middle", weight="normal", style="normal"):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" '
                          f'text-anchor="{anchor}" font-weight="{weight}" font-style="{style}">{text}</text>')

    def line(self, x1, y1, x2, y2, color=INK, width=1.5, dash=None):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{color}" stroke-width="{width}"{dashes}/>')

    def arrow(self, x1, y1, x2, y2, color=INK, width=1.5):
        length = math.hypot(x2 - x1, y2 - y1)
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        self.line(x1, y1, x2 - 7 * ux, y2 - 7 * uy, color, width)
        corners = [(x2, y2), (x2 - 9 * ux - 4 * uy, y2 - 9 * uy + 4 * ux),
                   (x2 - 9 * ux + 4 * uy, y2 - 9 * uy - 4 * ux)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        self.parts.append(f'<polygon points="{points}" fill="{color}"/>')

    def circle(self, x, y, r, fill, stroke="none", width=1.5):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{fill}" '
                          f'stroke="{stroke}" stroke-width="{width}"/>')

    def rect(self, x, y, w, h, fill, stroke="none", width=1.2, rx=0):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{rx}" '
                          f'fill="{fill}" stroke="{stroke}" stroke-width="{width}"/>')

    def curve(self, points, color, width=2.5, dash=None):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" '
                          f'stroke-width="{width}" stroke-linejoin="round"{dashes}/>')

    def svg(self):
        body = "\n".join(self.parts)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                f'viewBox="0 0 {self.width} {self.height}" '
                f'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n{body}\n</svg>\n')


class Axes:
    """A plot with its origin at the lower left of a rectangle."""

    def __init__(self, drawing, left, top, width, height, x_range, y_range):
        self.d = drawing
        self.left, self.top, self.width, self.height = left, top, width, height
        self.x_range, self.y_range = x_range, y_range

    def at(self, x, y):
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        return (self.left + (x - x0) / (x1 - x0) * self.width,
                self.top + self.height - (y - y0) / (y1 - y0) * self.height)

    def frame(self, x_ticks, y_ticks, x_name, y_name):
        bottom, right = self.top + self.height, self.left + self.width
        for value in y_ticks:
            _, y = self.at(self.x_range[0], value)
            self.d.line(self.left, y, right, y, GRID, 1)
            self.d.text(self.left - 8, y + 4, f"{value:g}", 12, SOFT, "end")
        for value in x_ticks:
            x, _ = self.at(value, self.y_range[0])
            self.d.line(x, bottom, x, bottom + 4, SOFT, 1)
            self.d.text(x, bottom + 18, f"{value:g}", 12, SOFT)
        self.d.line(self.left, bottom, right, bottom, SOFT, 1.2)
        self.d.text(self.left + self.width / 2, bottom + 38, x_name, 13)
        self.d.text(self.left - 34, self.top - 14, y_name, 13, INK, "start")

    def plot(self, function, color, n=200, **how):
        x0, x1 = self.x_range
        xs = [x0 + (x1 - x0) * i / n for i in range(n + 1)]
        self.d.curve([self.at(x, function(x)) for x in xs if function(x) <= self.y_range[1]], color, **how)


def features():
    d = Drawing(720, 320, "Two types of cells before and after a network")
    draw = random.Random(4)
    inner = [(draw.gauss(0, 0.42), draw.gauss(0, 0.42)) for _ in range(46)]
    ring = []
    for _ in range(60):
        angle, radius = draw.uniform(0, 2 * math.pi), draw.gauss(1.75, 0.17)
        ring.append((radius * math.cos(angle), radius * math.sin(angle)))
    before = Axes(d, 50, 50, 230, 210, (-2.5, 2.5), (-2.3, 2.3))
    after = Axes(d, 450, 50, 230, 210, (-0.2, 2.6), (-2.2, 2.2))
    for axes, names, title in ((before, ("gene A", "gene B"), "as measured"),
                               (after, ("feature 1", "feature 2"), "as the network sees them")):
        d.rect(axes.left, axes.top, axes.width, axes.height, "#fafafa", GRID)
        d.text(axes.left + axes.width / 2, 34, title, 15, INK, weight="bold")
        d.text(axes.left + axes.width / 2, axes.top + axes.height + 24, names[0], 13, SOFT)
        d.parts.append(f'<text x="{axes.left - 14}" y="{axes.top + axes.height / 2}" font-size="13" fill="{SOFT}" '
                       f'text-anchor="middle" transform="rotate(-90 {axes.left - 14} {axes.top + axes.height / 2})">'
                       f'{names[1]}</text>')
    for points, color in ((inner, BLUE), (ring, ORANGE)):
        for x, y in points:
            d.circle(*before.at(x, y), 4, color)
            # The distance from the middle tells the types apart; no straight cut of A and B does.
            d.circle(*after.at(math.hypot(x, y), y / 1.4), 4, color)
    d.line(*after.at(1.17, -2.1), *after.at(1.17, 2.1), INK, 1.5, "6 5")
    d.arrow(310, 155, 412, 155, INK, 2)
    d.text(361, 142, "network", 14)
    d.circle(236, 306, 5, BLUE)
    d.text(246, 311, "one type", 13, INK, "start")
    d.circle(362, 306, 5, ORANGE)
    d.text(372, 311, "another type", 13, INK, "start")
    return d


def layer():
    d = Drawing(640, 330, "A layer as nodes and lines")
    inputs, units = [("gene 1", 70), ("gene 2", 140), ("gene 3", 210), ("gene 4", 280)], [("unit 1", 105), ("unit 2", 175), ("unit 3", 245)]
    for _, y in inputs:
        for name, v in units:
            strong = name == "unit 2"
            d.line(190, y, 420, v, BLUE if strong else "#bbbbbb", 2.2 if strong else 1.2)
    for name, y in inputs:
        d.circle(190, y, 20, PALE_ORANGE, ORANGE)
        d.text(190, y + 5, "z", 14, INK, style="italic")
        d.text(158, y + 5, name, 13, INK, "end")
    for name, y in units:
        strong = name == "unit 2"
        d.circle(420, y, 20, PALE_BLUE, BLUE, 2.6 if strong else 1.5)
        d.text(420, y + 5, "y", 14, INK, style="italic")
        d.text(452, y + 5, name, 13, INK, "start")
    d.text(190, 30, "inputs", 15, INK, weight="bold")
    d.text(420, 30, "activations", 15, INK, weight="bold")
    d.text(305, 30, "weights", 15, BLUE, weight="bold")
    d.text(515, 180, "= b + W\u2082\u2081 z\u2081 + ... + W\u2082\u2084 z\u2084".replace("W", "w"), 12, BLUE, "start")
    d.width = 700
    d.parts[1] = f'<rect width="{d.width}" height="{d.height}" rx="8" fill="#ffffff"/>'
    return d


FRUIT = [("apple", (7.0, 1.5)), ("melon", (20.0, 18.0)), ("plum", (4.0, 0.5))]
WEIGHTS = [(0.5, -0.2), (-0.3, 0.4), (0.1, 0.2)]
BIASES = [1.0, 0.0, -2.0]


def fruit_outputs(features_of_one):
    """Of the layer's units; with the numbers above none needs more than the one digit that is shown."""
    outputs = [b + sum(w * x for w, x in zip(ws, features_of_one)) for ws, b in zip(WEIGHTS, BIASES)]
    assert all(abs(value - round(value, 1)) < 1e-9 for value in outputs), outputs
    return outputs


def fruit():
    d = Drawing(700, 330, "An apple of 7 cm and 1.5 hg goes through a layer of three units")
    apple = FRUIT[0][1]
    outputs = fruit_outputs(apple)
    in_y, out_y = [110, 220], [70, 165, 260]
    for j, x in enumerate(apple):
        for i, ws in enumerate(WEIGHTS):
            d.line(170, in_y[j], 430, out_y[i], BLUE if j == 0 else ORANGE, 1.6)
    for j in range(2):  # labels on the lines, near their units so that they do not meet
        for i, ws in enumerate(WEIGHTS):
            share = 0.34 if j == 0 else 0.66
            x = 170 + share * 260
            y = in_y[j] + share * (out_y[i] - in_y[j])
            d.rect(x - 19, y - 10, 38, 20, "#ffffff")
            d.text(x, y + 5, f"{ws[j]:g}".replace("-", MINUS), 13, BLUE if j == 0 else ORANGE)
    for (name, unit), x, y in zip((("size", "cm"), ("weight", "hg")), apple, in_y):
        d.circle(170, y, 24, PALE_BLUE if name == "size" else PALE_ORANGE, BLUE if name == "size" else ORANGE)
        d.text(170, y + 5, f"{x:g}", 14)
        d.text(136, y + 5, f"{name} ({unit})", 13, INK, "end")
    for y, ws, b, value in zip(out_y, WEIGHTS, BIASES, outputs):
        d.circle(430, y, 24, PALE_GREEN, GREEN)
        d.text(430, y + 5, f"{value:.1f}".replace("-", MINUS), 14)
        sign = ["+" if w >= 0 else MINUS for w in ws]
        sum_text = " ".join(f"{s} {abs(w):g} \u00d7 {x:g}" for s, w, x in zip(sign, ws, apple))
        bias = f"{b:g}".replace("-", MINUS)
        d.text(464, y + 5, f"= {bias} {sum_text}", 13, INK, "start")
    d.text(170, 36, "an apple", 15, INK, weight="bold")
    d.text(430, 28, "three units", 15, INK, weight="bold")
    d.text(350, 314, "The number on a line is a weight; the first number of each sum is the unit's bias.", 13, SOFT)
    return d


def matrix(d, left, top, rows, color, pale, cell_w=46, cell_h=30, digits=1):
    height, width = len(rows) * cell_h, len(rows[0]) * cell_w
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            d.rect(left + c * cell_w, top + r * cell_h, cell_w, cell_h, pale, "#ffffff", 2)
            text = value if isinstance(value, str) else f"{value:.{digits}f}".replace("-", MINUS)
            d.text(left + (c + 0.5) * cell_w, top + (r + 0.5) * cell_h + 5, text, 13)
    for x, turn in ((left - 3, 5), (left + width + 3, -5)):
        d.curve([(x + turn, top), (x, top), (x, top + height), (x + turn, top + height)], color, 2)
    return left + width


def fruit_matrix():
    d = Drawing(700, 260, "Three fruits times the weights plus the biases")
    inputs = [list(values) for _, values in FRUIT]
    outputs = [fruit_outputs(values) for values in inputs]
    transposed = [[WEIGHTS[u][j] for u in range(3)] for j in range(2)]
    top = 90
    for row, (name, _) in enumerate(FRUIT):
        d.text(76, top + row * 30 + 20, name, 13, INK, "end")
    right = matrix(d, 90, top, inputs, BLUE, PALE_BLUE)
    d.text(right + 22, top + 50, "\u00d7", 20)
    right_w = matrix(d, right + 44, top + 15, transposed, ORANGE, PALE_ORANGE)
    d.text(right_w + 22, top + 50, "+", 20)
    right_b = matrix(d, right_w + 44, top + 30, [BIASES], INK, "#eeeeee")
    d.text(right_b + 22, top + 50, "=", 20)
    right_y = matrix(d, right_b + 44, top, outputs, GREEN, PALE_GREEN)
    for x0, x1, name, shape in ((90, right, "X", "(3, 2)"), (right + 44, right_w, "W transposed", "(2, 3)"),
                                (right_w + 44, right_b, "b", "(3)"), (right_b + 44, right_y, "Y", "(3, 3)")):
        d.text((x0 + x1) / 2, 56, name, 15, INK, weight="bold")
        d.text((x0 + x1) / 2, 212, shape, 13, SOFT)
    d.text(right_y / 2 + 20, 242, "One row per fruit. b is added to every row.", 13, SOFT)
    d.width = int(right_y + 34)
    d.parts[1] = f'<rect width="{d.width}" height="{d.height}" rx="8" fill="#ffffff"/>'
    return d


def relu():
    d = Drawing(420, 300, "The rectified linear unit")
    axes = Axes(d, 60, 50, 320, 180, (-4, 4), (0, 4))
    axes.frame([-4, -2, 0, 2, 4], [0, 1, 2, 3, 4], "y", "ReLU(y) = max(y, 0)")
    axes.plot(lambda y: max(y, 0), BLUE, width=3)
    return d


def linear_relu_minibatch():
    d = Drawing(760, 300, "One minibatch through a linear layer and ReLU")
    draw = random.Random(2)
    top, n_rows, size = 70, 8, 17

    def block(left, n_columns, shade):
        for r in range(n_rows):
            for c in range(n_columns):
                d.rect(left + c * size, top + r * size, size - 1.5, size - 1.5, shade(r, c))

    values = [[draw.gauss(0, 1) for _ in range(7)] for _ in range(n_rows)]

    def tint(value):
        strength = min(abs(value) / 2, 1)
        end = (0, 114, 178) if value > 0 else (213, 94, 0)
        return "#" + "".join(f"{round(255 + (e - 255) * strength):02x}" for e in end)

    expressed = {(draw.randrange(n_rows), draw.randrange(11)) for _ in range(16)}
    block(60, 11, lambda r, c: BLUE if (r, c) in expressed else "#eeeeee")
    d.arrow(268, top + 68, 340, top + 68)
    d.text(304, top + 56, "Linear", 13)
    block(366, 7, lambda r, c: tint(values[r][c]))
    d.arrow(506, top + 68, 578, top + 68)
    d.text(542, top + 56, "ReLU", 13)
    block(604, 7, lambda r, c: tint(max(values[r][c], 0)) if values[r][c] > 0 else "#eeeeee")
    for middle, name, shape in ((60 + 11 * size / 2, "minibatch", "(64, 13 656)"),
                                (366 + 7 * size / 2, "activations", "(64, 128)"),
                                (604 + 7 * size / 2, "bent activations", "(64, 128)")):
        d.text(middle, 48, name, 15, INK, weight="bold")
        d.text(middle, top + n_rows * size + 24, shape, 13, SOFT)
    d.text(44, top + 72, "cells", 13, SOFT, "end")
    for x, color, name in ((190, BLUE, "above 0"), (320, ORANGE, "below 0"), (450, "#eeeeee", "0, or the gene's baseline")):
        d.rect(x, 262, 14, 14, color)
        d.text(x + 20, 274, name, 13, INK, "start")
    return d


def cross_entropy():
    d = Drawing(480, 320, "Cross-entropy against the probability of the true type")
    axes = Axes(d, 60, 50, 380, 200, (0, 1), (0, 5))
    axes.frame([0, 0.25, 0.5, 0.75, 1], [0, 1, 2, 3, 4, 5], "probability given to the true type", "loss")
    points = [0.0068 + i * (1 - 0.0068) / 300 for i in range(301)]
    d.curve([axes.at(p, -math.log(p)) for p in points], BLUE, 3)
    for p, text in ((0.02, "sure and wrong: {:.2f}"), (0.5, "half sure: {:.2f}"), (0.95, "right: {:.2f}")):
        x, y = axes.at(p, -math.log(p))
        d.circle(x, y, 4.5, ORANGE)
        at_right = p > 0.9
        d.text(x + (4 if at_right else 12), y - 12, text.format(-math.log(p)), 13, INK, "end" if at_right else "start")
    return d


def double_softmax():
    d = Drawing(560, 340, "The floor of the loss when softmax is applied twice")
    n_types = 8

    def twice(p):
        rest = (1 - p) / (n_types - 1)
        return -math.log(math.exp(p) / (math.exp(p) + (n_types - 1) * math.exp(rest)))

    axes = Axes(d, 60, 56, 460, 210, (0, 1), (0, 4))
    axes.frame([0, 0.25, 0.5, 0.75, 1], [0, 1, 2, 3, 4], "probability given to the true type, of eight", "loss")
    points = [0.0184 + i * (1 - 0.0184) / 300 for i in range(301)]
    d.curve([axes.at(p, -math.log(p)) for p in points], BLUE, 3)
    axes.plot(twice, ORANGE, width=3)
    floor = twice(1.0)
    d.line(*axes.at(0, floor), *axes.at(1, floor), ORANGE, 1.2, "5 4")
    x, y = axes.at(1, floor)
    d.text(x, y + 18, f"never below {floor:.3f}", 13, ORANGE, "end")
    d.text(*axes.at(0.3, 2.15), "softmax twice, as in the article", 13, ORANGE, "start")
    d.text(*axes.at(0.09, 3.0), "softmax once: down to 0", 13, BLUE, "start")
    return d


DRAWINGS = (features, layer, fruit, fruit_matrix, relu, linear_relu_minibatch, cross_entropy, double_softmax)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in DRAWINGS:
        path, text = FOLDER / f"{draw.__name__}.svg", draw().svg()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            sys.exit(f"docs/images/{path.name} is out of date: run scripts/draw_walkthrough_images.py")
        if not check:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
