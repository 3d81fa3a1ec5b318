"""Writes pages of HTML from notebooks, which open from disk and need no network.

Usage: site.py < JSON, with the fields folder, style, chapters (name, number, title, summary, minutes, memory, notebook) and glossary,
in Markdown. Exit status 1, and what is wrong on standard error, if a page cannot be made.
"""

import base64
import html
import json
import os
import re
import shutil
import sys
from pathlib import Path

import js_lib_vega_embed
import mathjax
import nbformat
from nbconvert.filters import ansi2html
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

# Loaded by pages that have figures to play with, in this order.
VEGA = ["vega5.js", "vega-lite5.js", "vega-embed6.js"]

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="static/style.css">
{scripts}
</head>
<body>
<nav>{nav}</nav>
<main>
{body}
</main>
<nav>{nav}</nav>
</body>
</html>
"""

MATHJAX = """<script>
MathJax = {
  tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']]},
  options: {enableMenu: false, processHtmlClass: 'math', ignoreHtmlClass: 'cell|output'},
  svg: {fontCache: 'global', scale: 0.92}
};
</script>
<script defer src="static/mathjax.js"></script>"""

EMBED = """<script>
for (const figure of document.querySelectorAll('.play')) {
  const spec = JSON.parse(figure.querySelector('script').textContent);
  const target = figure.querySelector('.live');
  vegaEmbed(target, spec, {actions: false, renderer: 'svg'}).then(
    () => figure.classList.add('playing'),
    (error) => { target.remove(); console.error(error); });
}
</script>"""

highlight = Highlight2HTML(pygments_lexer="go")


def text(value):
    return "".join(value) if isinstance(value, list) else value


def markdown(source, ending=""):
    """HTML of a text; comments are for who checks it, and links to notebooks lead to their pages."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    page = MarkdownWithMath(renderer=renderer).render(re.sub(r"<!--.*?-->", "", source, flags=re.S))
    return re.sub(r'href="([\w-]+)\.ipynb', r'href="\1.html', page)


def unmoved(data):
    """Of an animated PNG the still picture that it has for viewers which cannot play it; any other stays as it is."""
    png = base64.b64decode(text(data))
    kept, at = png[:8], 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        if kind not in (b"acTL", b"fcTL", b"fdAT"):
            kept += png[at : at + 12 + length]
        at += 12 + length
    return base64.b64encode(kept).decode()


def image(kind, data, alt, css=""):
    data = text(data)
    if kind == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    return f'<img class="{css}" alt="{html.escape(alt, quote=True)}" src="data:{kind};base64,{data.strip()}">'


def shown(output):
    """HTML of an output: of a figure the richest kind, and a still picture where that does not move or cannot be played with."""
    if output.output_type == "stream":
        return f'<pre class="output {output.name}">{ansi2html(output.text)}</pre>'
    if output.output_type == "error":
        raise ValueError(f"it has a cell that failed: {output.ename}: {output.evalue}")
    data, alt = output.data, output.metadata.get("alt", "figure")
    vega = next((kind for kind in data if kind.startswith("application/vnd.vegalite")), None)
    still = next((kind for kind in ("image/svg+xml", "image/png", "image/jpeg") if kind in data), None)
    if vega:
        spec = json.dumps(data[vega] if isinstance(data[vega], dict) else json.loads(text(data[vega]))).replace("</", "<\\/")
        picture = image(still, data[still], alt, "still") if still else ""
        return f'<figure class="play"><script type="application/json">{spec}</script><div class="live"></div>{picture}</figure>'
    if "image/gif" in data:
        picture = image("image/png", unmoved(data["image/png"]), alt, "still") if "image/png" in data else ""
        return f'<figure class="{"moves" if picture else ""}">{image("image/gif", data["image/gif"], alt, "gif")}{picture}</figure>'
    if still:
        return f"<figure>{image(still, data[still], alt)}</figure>"
    if "text/html" in data:
        return f'<div class="output">{text(data["text/html"])}</div>'
    return f'<pre class="output">{html.escape(text(data.get("text/plain", "")))}</pre>'


def cells(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield f'<section class="math">{markdown(cell.source)}</section>'
        elif cell.cell_type == "code":
            kind = " exercise" if "exercise" in cell.metadata.get("tags", []) else ""
            outputs = "".join(shown(o) for o in cell.outputs)
            yield f'<section class="cell{kind}">{highlight(cell.source)}{outputs}</section>'


def page(title, nav, body):
    scripts = MATHJAX if 'class="math"' in body else ""
    if '<figure class="play">' in body:
        scripts += "".join(f'\n<script src="static/{name}"></script>' for name in VEGA)
        body += EMBED
    return PAGE.format(title=html.escape(title), nav=nav, body=body, scripts=scripts)


def static(folder, style):
    folder.mkdir(parents=True, exist_ok=True)
    light, dark = HtmlFormatter(style="friendly"), HtmlFormatter(style="github-dark")
    colours = light.get_style_defs(".highlight") + "\n@media screen and (prefers-color-scheme: dark) {\n" + dark.get_style_defs(".highlight") + "\n}\n"
    (folder / "style.css").write_text(colours + style, encoding="utf-8")
    scripts = Path(mathjax.__file__).parent / "static/mathjax"
    shutil.copyfile(scripts / "es5/tex-svg.js", folder / "mathjax.js")
    vega = Path(js_lib_vega_embed.__file__).parent / "static/js_lib_vega_embed"
    for name in VEGA:
        shutil.copyfile(vega / name, folder / name)


def link(name, label):
    return f'<a href="{name}.html">{html.escape(label)}</a>'


def amount(chapter):
    """Time and memory as the index shows them, of what the chapter says."""
    minutes, memory = chapter["minutes"], chapter["memory"]
    parts = []
    if minutes:
        parts.append(f"{round(minutes * 60)} s" if minutes < 1 else f"{minutes:g} min")
    if memory:
        parts.append(f"{memory / 1e6:.0f} MB")
    return ", ".join(parts)


def index(chapters, glossary):
    rows = "".join(
        f'<li><span class="number">{c["number"]}</span><div><p>{link(c["name"], c["title"])}</p>'
        f'<p class="summary">{markdown(c["summary"])}</p><p class="amount">{amount(c)}</p></div></li>'
        for c in chapters
    )
    body = (
        '<h1>Optimization for scientific machine learning, in Go</h1>\n<div class="math"><p>The chapters as they were executed, with all that '
        "their cells printed and drew. To run them and to do the exercises, open the notebooks with <code>go run ./kernel lab</code>.</p></div>\n"
        f'<ol class="chapters math">{rows}</ol>\n'
    )
    if glossary:
        body += f"<p>{link('glossary', 'Glossary')}: the words that the chapters explain.</p>"
    return page("GoSciML", "", body)


def check_links(folder):
    """Every link within the site has its target, and nothing is loaded from elsewhere."""
    for path in sorted(folder.glob("*.html")):
        text = path.read_text(encoding="utf-8")
        outside = re.findall(r'(?:src="|url\()(https?:[^")]*)', re.sub(r"<script type=.*?</script>", "", text, flags=re.S))
        if outside:
            raise ValueError(f"{path.name} would load {outside[0]}, and has to need no network")
        for target in re.findall(r'(?:href|src)="(?!https?:|data:|mailto:|#)([^"#]+)', text):
            if not (folder / target).exists():
                raise ValueError(f"{path.name} has a link to {target}, which the site has not")


def main():
    asked = json.load(sys.stdin)
    folder, chapters, glossary = Path(asked["folder"]), asked["chapters"], asked["glossary"]
    static(folder / "static", asked["style"])
    contents = link("index", "Contents")
    words = link("glossary", "Glossary") if glossary else ""
    (folder / "index.html").write_text(index(chapters, glossary), encoding="utf-8")
    for i, c in enumerate(chapters):
        before = link(chapters[i - 1]["name"], "‹ " + chapters[i - 1]["number"]) if i > 0 else ""
        after = link(chapters[i + 1]["name"], chapters[i + 1]["number"] + " ›") if i + 1 < len(chapters) else ""
        try:
            body = "\n".join(cells(nbformat.read(c["notebook"], as_version=4)))
        except ValueError as err:
            raise ValueError(f"{c['notebook']}: {err}") from err
        (folder / f"{c['name']}.html").write_text(page(f"{c['number']} · {c['title']}", before + contents + words + after, body), encoding="utf-8")
    if glossary:
        body = f'<section class="math">{markdown(glossary)}</section>'
        (folder / "glossary.html").write_text(page("Glossary", contents, body), encoding="utf-8")
    check_links(folder)


try:
    main()
except (ValueError, OSError) as err:
    sys.exit(str(err))
