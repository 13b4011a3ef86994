"""Makes a page of what the bench found: report.py RESULTS FOLDER [PAGE]

RESULTS has a file for each figure and curve. FOLDER gets results.json, table.md and plots; where a PAGE is named, its part between
`<!-- results -->` and `<!-- end of results -->` is exchanged for the table, with the plots that are in FOLDER.
"""

import json
import os
import platform
import subprocess
import sys
import time

import matplotlib

matplotlib.use("svg")
# The same figures give the same file.
matplotlib.rcParams["svg.hashsalt"] = "bench"
import matplotlib.pyplot as plot  # noqa: E402

# The plots: what of a curve stands on which axis. A column against the first one, each with its name.
PLOTS = {
    "in-flight": [
        ("throughput", "messages a second", {"messages/s": "ours", "Redis messages/s": "Redis, synced always"}, "log"),
        ("latency-of-in-flight", "p50, µs", {"p50 µs": "ours", "Redis p50 µs": "Redis, synced always"}, "log"),
    ],
    "latency": [
        ("latency", "µs", {name: name[:-3] for name in ("p50 µs", "p99 µs", "p99.9 µs", "max µs")}, "log"),
    ],
    "growth": [
        ("growth", "messages a second", {"messages/s": "ingest"}, "linear"),
        ("growth-of-start", "ms", {"start ms": "start after SIGKILL"}, "linear"),
    ],
    "connections": [("connections", "messages a second", {"messages/s": "ingest"}, "log")],
}


def command(*words):
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    return ended.stdout.strip()


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())


def memory():
    with open("/proc/meminfo") as file:
        return f"{int(file.readline().split()[1]) // (1 << 20)} GiB"


def machine():
    return {
        "commit": command("git", "rev-parse", "--short", "HEAD") + ("" if not command("git", "status", "--porcelain") else ", changed"),
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{os.cpu_count()} x {processor()}",
        "memory": memory(),
        "kernel": platform.release(),
        "file system": command("stat", "-f", "-c", "%T", "/tmp"),
        "swift": command("swift", "--version").splitlines()[0].split("(")[0].replace("Swift version", "").strip(),
        "seed": seed(),
    }


def seed():
    with open(os.path.join(os.path.dirname(__file__), "Harness/Corpus.swift")) as file:
        return next(line.split("=")[1].strip().replace("_", "") for line in file if "let seed" in line)


def number(value):
    if value is None or value != value:
        return "-"
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def median(values):
    return sorted(values)[len(values) // 2]


def spread(values):
    return f"{number(min(values))} to {number(max(values))}"


def verdict(figure, value, goal):
    reached = value >= goal if figure["better"] == "more" else value <= goal
    sign = "≥" if figure["better"] == "more" else "≤"
    if reached:
        return f"{sign} {number(goal)}: reached"
    missed = (goal / value if figure["better"] == "more" else value / goal) if value else float("nan")
    return f"{sign} {number(goal)}: **missed**, {missed:.2g} x from it"


def rows(figure):
    """Rows of the table: who, figure, ours as times that, its spread, goal."""
    ours = figure["ours"]
    bound = figure.get("bound")
    yield ["**ours**", f"{number(median(ours))} ({spread(ours)})", "", verdict(figure, median(ours), bound) if bound else ""]
    for other in figure["others"]:
        ratios = [mine / theirs for mine, theirs in zip(ours, other["values"])]
        goal = other.get("goal")
        name = f"limit: {other['name']}" if other["kind"] == "limit" else other["name"]
        yield [
            name,
            f"{number(median(other['values']))} ({spread(other['values'])})",
            f"{number(median(ratios))} ({spread(ratios)})",
            verdict(figure, median(ratios), goal) if goal else "",
        ]


def table(results):
    lines = []
    for figure in results["figures"]:
        lines += [f"**{figure['goal']}** {figure['title']} ({figure['unit']}, {figure['better']} is better)", ""]
        lines += ["| | median (spread) | ours as times that | goal |", "|---|---:|---:|---|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows(figure)] + [""]
    for curve in results["curves"]:
        lines += [f"**{curve['goal']}** {curve['title']}", ""]
        lines += ["| " + " | ".join(curve["columns"]) + " |", "|" + "---:|" * len(curve["columns"])]
        lines += ["| " + " | ".join(number(value) for value in row) + " |" for row in curve["rows"]] + [""]
    return lines


def draw(curve, folder):
    for name, label, columns, scale in PLOTS.get(curve["name"], []):
        figure, axes = plot.subplots(figsize=(6.4, 3.6))
        across = [row[0] for row in curve["rows"]]
        for column, title in columns.items():
            axes.plot(across, [row[curve["columns"].index(column)] for row in curve["rows"]], marker="o", markersize=3, label=title)
        if scale == "log":
            axes.set_xscale("log")
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set_xlabel(curve["columns"][0])
        axes.set_ylabel(label)
        axes.set_title(curve["title"], fontsize=9)
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(os.path.join(folder, name + ".svg"), metadata={"Date": None})
        plot.close(figure)


def put_into(page, lines, folder):
    with open(page) as file:
        text = file.read()
    begin, end = "<!-- results -->", "<!-- end of results -->"
    before, after = text.split(begin)[0], text.split(end)[1]
    plots = sorted(name for name in os.listdir(folder) if name.endswith(".svg"))
    shown = [f"![{name[:-4]}]({os.path.relpath(os.path.join(folder, name), os.path.dirname(page) or '.')})" for name in plots]
    with open(page, "w") as file:
        file.write("\n".join([before + begin, "", *lines, *shown, "", end + after]))


def main(source, folder, page=None):
    os.makedirs(folder, exist_ok=True)
    kept = os.path.join(folder, "results.json")
    results = {"machine": machine(), "figures": [], "curves": []}
    if os.path.exists(kept):
        # What was not measured again stands, with what it was measured on.
        with open(kept) as file:
            results = {**json.load(file), "machine": machine()}
    new = []
    for name in sorted(os.listdir(source)):
        with open(os.path.join(source, name)) as file:
            new.append(json.load(file) | {"commit": results["machine"]["commit"]})
    for figure in new:
        for last in results["figures"]:
            if figure["goal"] == "count" and figure["title"] == last["title"]:
                print(f"{figure['title']}: {number(figure['ours'][0] / last['ours'][0])} x what it was last")
    for kind, key in (("figures", "title"), ("curves", "name")):
        found = [each for each in new if ("ours" in each) == (kind == "figures")]
        names = {each[key] for each in found}
        results[kind] = sorted(
            [each for each in results[kind] if each[key] not in names] + found,
            key=lambda each: (each["goal"][0] != "P", len(each["goal"]), each["goal"], each[key]),
        )
    with open(kept, "w") as file:
        json.dump(results, file, indent=1, ensure_ascii=False)
        file.write("\n")
    for curve in results["curves"]:
        draw(curve, folder)
    facts = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    lines = [f"Measured on: {facts}.", "", *table(results)]
    with open(os.path.join(folder, "table.md"), "w") as file:
        file.write("\n".join(lines) + "\n")
    if page:
        put_into(page, lines, folder)


main(*sys.argv[1:])
