"""The page's looks and its few lines of script: nothing is fetched, light and dark follow the reader's choice."""

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{
  color-scheme: light dark;
  --text: #1b1f24; --soft: #59636e; --line: #d5dae0; --page: #fff; --box: #f5f7f9; --good: #1864ab; --bad: #c2410c;
  --light: 86%; --strong: 65%;
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --text: #e6e9ed; --soft: #9aa4b0; --line: #3a424c; --page: #14171b; --box: #1d2228; --good: #6db3f2; --bad: #ff9a62;
    --light: 27%; --strong: 45%;
  }}
}}
body {{ max-width: 66rem; margin: 2rem auto 4rem; padding: 0 1rem; font: 1rem/1.55 system-ui, sans-serif;
  color: var(--text); background: var(--page); }}
h1 {{ font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }}
h3 {{ font-size: 1rem; margin: 1.4rem 0 .3rem; }}
p, figcaption {{ max-width: 46rem; }}
.soft, figcaption {{ color: var(--soft); font-size: .9rem; }}
.tiles {{ display: grid; gap: .7rem;
  grid-template-columns: repeat(auto-fill, minmax(max(min(11rem, 50% - .35rem), 25% - .55rem), 1fr)); }}
.tile {{ background: var(--box); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .9rem; }}
.tile b {{ display: block; font-size: 1.55rem; line-height: 1.2; font-variant-numeric: tabular-nums; }}
.tile span {{ color: var(--soft); font-size: .85rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th {{ font-weight: 600; font-size: .9rem; }}
th, td {{ padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }}
td.text, th.text {{ text-align: left; }}
th.text:first-child {{ min-width: 11rem; }}
td.text {{ white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }}
td.text:last-child {{ min-width: 13rem; }}
.map td, .map th {{ border: 0; text-align: center; min-width: 2.6rem; }}
.map th:first-child {{ text-align: right; }}
.charts {{ display: flex; flex-wrap: wrap; gap: 1.5rem; margin-bottom: 1.2rem; }}
figcaption {{ margin-top: .4rem; }}
figure {{ margin: 0; flex: 1 1 20rem; max-width: 28rem; }}
svg {{ display: block; width: 100%; height: auto; overflow: visible; font: 11px system-ui, sans-serif; }}
svg text {{ fill: var(--soft); }}
.axis {{ stroke: var(--line); fill: none; }}
.guide {{ stroke: var(--soft); fill: none; stroke-dasharray: 4 4; }}
.curve {{ stroke: var(--good); fill: none; stroke-width: 2; }}
.dot {{ fill: var(--good); stroke: none; }}
.thin {{ stroke: var(--good); fill: none; opacity: .4; }}
.columns {{ fill: var(--good); opacity: .35; }}
.axis-name {{ display: inline-flex; justify-content: space-between; width: 13rem; color: var(--soft);
  font-weight: 400; }}
.range {{ width: 13rem; height: 1rem; display: inline-block; vertical-align: middle; }}
.range line {{ stroke: var(--good); stroke-width: 2; }}
.range .axis {{ stroke: var(--line); stroke-width: 1; }}
.filters {{ display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; margin: .8rem 0; }}
.filters label {{ display: grid; font-size: .85rem; color: var(--soft); }}
select, input {{ font: inherit; height: 2.1rem; box-sizing: border-box; padding: .2rem .45rem; color: var(--text);
  background: var(--box); border: 1px solid var(--line); border-radius: .35rem; }}
article {{ border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .8rem .6rem; margin: .6rem 0;
  break-inside: avoid; }}
article header {{ display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--soft); }}
article p {{ margin: .3rem 0 0; overflow-wrap: anywhere; }}
article header b {{ color: var(--bad); }}
article div {{ display: grid; grid-template-columns: 4.8rem 1fr; overflow-wrap: anywhere; line-height: 1.9; }}
article div > span:first-child {{ color: var(--soft); font-size: .85rem; }}
mark {{ color: inherit; background: hsl(var(--hue, 0) 75% var(--light)); border-radius: .25em;
  padding: .1em .25em; box-decoration-break: clone; border-bottom: 2px solid hsl(var(--hue, 0) 65% var(--strong)); }}
mark small {{ margin-left: .4em; font-size: .7em; font-weight: 700; white-space: nowrap; }}
[hidden] {{ display: none !important; }}
@media (max-width: 54rem) {{
  th, td {{ padding: .2rem .5rem; }}
  .axis-name, .range {{ width: 11.5rem; }}
}}
@media (max-width: 40rem) {{
  body {{ margin-top: 1rem; }}
  th, td {{ padding: .2rem .4rem; }}
  th.text:first-child {{ min-width: 6.5rem; }}
  .tile {{ padding: .45rem .7rem; }}
  .map td, .map th {{ min-width: 1.9rem; font-size: .9rem; }}
  .wide table:not(.map) :is(th, td):first-child {{ position: sticky; left: 0; background: var(--page); }}
  article div {{ grid-template-columns: 1fr; line-height: 1.8; }}
}}
@media print {{
  :root {{ color-scheme: light; --text: #000; --soft: #444; --line: #ccc; --page: #fff; --box: #fff; --good: #1864ab;
    --bad: #9a3412; --light: 86%; --strong: 65%; }}
  body {{ max-width: none; margin: 0; font-size: .85rem; }}
  .filters {{ display: none; }}
  h2, h3 {{ break-after: avoid; }}
  figure, table {{ break-inside: avoid; }}
  * {{ print-color-adjust: exact; }}
}}
</style>
</head>
<body>
"""

# Filters and sorts the articles below; without a script all of them are shown in the order of the file.
SCRIPT = """<script>
const byId = (id) => document.getElementById(id);
const list = byId("mistakes"), articles = [...list.children];
const orders = {
  file: (a, b) => a.dataset.index - b.dataset.index,
  sure: (a, b) => b.dataset.score - a.dataset.score,
  unsure: (a, b) => a.dataset.score - b.dataset.score,
  kind: (a, b) => a.dataset.kind.localeCompare(b.dataset.kind),
};
function show() {
  const kind = byId("kind").value, label = byId("label").value, words = byId("words").value.toLowerCase();
  let shown = 0;
  for (const article of articles) {
    const fits = (!kind || article.dataset.kind === kind)
      && (!label || article.dataset.labels.split(" ").includes(label))
      && article.textContent.toLowerCase().includes(words);
    article.hidden = !fits;
    shown += fits;
  }
  byId("shown").textContent = shown;
}
function sort() {
  list.append(...articles.sort(orders[byId("order").value]));
}
for (const id of ["kind", "label", "words"]) byId(id).addEventListener("input", show);
byId("order").addEventListener("input", sort);
show();
</script>
"""
