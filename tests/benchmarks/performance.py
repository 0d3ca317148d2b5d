"""All ratios of speed in one run, and the page that shows them: docs/performance.md.

    python tests/benchmarks/performance.py [--osie FOLDER] [--pysaliency PYTHON] [--only SCRIPT,SCRIPT]

Runs the other scripts of this folder one after the other, on a machine that should be idle: about an hour on
two cores. Each prints its ratios (`ratios.py`), of which more is better. They are written to
docs/results/performance.json and into the tables of the page; a ratio under nine tenths of the best that any
page before had is shown in red and marked on the page, until that `best` is taken out of the file: what falls
a little each time adds up. Scripts that are left out, by `--only` or because what
they need is not given, keep what was measured before, with its date. FOLDER holds OSIE, PYTHON is the
interpreter of an environment with pysaliency.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import click
from ratios import read_ratios

from kerasal._cpu import bfloat16_instructions

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
RESULT = DOCS / "results" / "performance.json"
PAGE = DOCS / "performance.md"
FALLEN = 0.9
BEGIN, END = "<!-- tables of tests/benchmarks/performance.py -->", "<!-- end of the tables -->"

# Title, script with its arguments, {osie} and {pysaliency} filled in.
SCRIPTS = (
    ("The networks", "backbones.py 16 3"),
    ("`kerasal predict`", "predict.py 40"),
    ("`kerasal predict` of a video", "video.py 100"),
    ("Exports in their own runtimes", "exports.py {osie} 100"),
    ("Start-up", "startup.py commands 10"),
    ("Training's input", "pipeline.py"),
    ("Features that are kept", "feature_cache.py 32"),
    ("Checkpoints", "checkpoints.py 32"),
    ("bfloat16", "precision.py 16 3"),
    ("SAM-VGG", "sam.py 3"),
    ("Depthwise convolutions", "depthwise.py 4 3"),
    ("The quest", "quest.py 16 2"),
    ("Losses", "losses.py --seconds 2"),
    ("Metrics", "metrics.py --repeats 10 --pysaliency {pysaliency}"),
    ("Classical models", "classical.py --repeats 3"),
    ("On more cores", "cores.py {osie} 200"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--osie", help="folder of OSIE")
    parser.add_argument("--pysaliency", help="interpreter of an environment with pysaliency")
    parser.add_argument("--only", help="scripts, separated by commas: metrics,quest")
    options = parser.parse_args()
    entries = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for title, template in SCRIPTS:
        script = template.split(".py")[0]
        needed = re.findall(r"{(\w+)}", template)
        if options.only and script not in options.only.split(","):
            continue
        if missing := [name for name in needed if not getattr(options, name)]:
            click.echo(f"{title}: left out, --{missing[0]} is not given")
            continue
        given = {name: getattr(options, name) for name in needed}
        command = [part.format(**given) for part in template.split()]
        shown = template.format(osie="OSIE", pysaliency="PYTHON")
        entries[script] = measured(command, shown, entries.get(script, {}))
        tell(title, entries[script])
        RESULT.write_text(json.dumps(entries, indent=1) + "\n")
        write_page(entries)


def measured(command: list[str], shown: str, before: dict) -> dict:
    """Run one script; its ratios beside those of its last run."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    script, *arguments = command
    done = subprocess.run([sys.executable, HERE / script, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    last = {(row["what"], row["against"]): row for row in before.get("ratios", [])}
    rows = []
    for what, against, ratio in read_ratios(done.stdout):
        row = {"what": what, "against": against, "ratio": ratio, "before": None, "best": None}
        if earlier := last.get((what, against)):
            row["before"] = earlier["ratio"]
            row["best"] = max(earlier["ratio"], earlier.get("best") or 0)
        rows.append(row)
    if not rows:
        sys.exit(f"{' '.join(command)} told no ratio:\n{done.stdout}")
    today = datetime.date.today().isoformat()
    return {"command": shown, "date": today, "machine": machine(), "load": load, "ratios": rows}


def machine() -> str:
    """Processor, what it has for bfloat16, and cores."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else []
    name = names[0] if names else platform.processor() or platform.machine()
    instructions = bfloat16_instructions()
    return f"{name}{f' with {instructions}' if instructions else ''}, {os.cpu_count()} cores"


def fell(row: dict) -> bool:
    return bool(row.get("best")) and row["ratio"] < FALLEN * row["best"]


def tell(title: str, entry: dict) -> None:
    """One script's ratios, those that fell in red."""
    click.echo(f"{title} ({entry['command']})")
    for row in entry["ratios"]:
        before = "" if row["before"] is None else f" (before {row['before']:g}, best {row['best']:g})"
        line = f"  {row['ratio']:8g}  {row['what']}, against {row['against']}{before}"
        click.secho(line, fg="red" if fell(row) else None)


def write_page(entries: dict) -> None:
    """The page with its tables made anew; the text around them stays."""
    tables = []
    for title, template in SCRIPTS:
        entry = entries.get(template.split(".py")[0])
        if not entry:
            continue
        load = "" if entry["load"] is None else f", load {entry['load']:.1f} when it began"
        tables += [f"### {title}", "", f"`{entry['command']}`, {entry['date']}, {entry['machine']}{load}", ""]
        tables += ["| what | against | ratio |", "|---|---|---:|"]
        for row in entry["ratios"]:
            mark = f" **fell from {row['best']:g}**" if fell(row) else ""
            tables.append(f"| {row['what']} | {row['against']} | {row['ratio']:g}{mark} |")
        tables.append("")
    text = PAGE.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(text[:start] + "\n\n" + "\n".join(tables) + "\n" + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
