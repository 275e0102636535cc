"""Doubts, device, method and the commands that make the same report again."""

from __future__ import annotations

from typing import Any

from fcn_edge.report.html import commands, definitions, number, paragraph, percent, section, table, text

Json = dict[str, Any]


def warnings_section(report: Json) -> str:
    """Return the warnings, each with its remedy; empty when there are none."""
    items = [
        f"<li>{text(_sentence(one['message']))}<span>{text(_sentence(one['remedy']))}</span></li>"
        for one in report.get("warnings", [])
    ]
    if not items:
        return ""
    return section("What limits these numbers", f'<ul class="warnings">{"".join(items)}</ul>')


def _sentence(words: str) -> str:
    words = words.strip()
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def judgement_section(report: Json) -> str:
    """Return what the baseline and the budget say; empty when neither was asked for."""
    words = [one["sentence"] for key in ("budget", "changes") for one in report.get(key) or []]
    if report.get("baseline"):
        words.append(report["baseline"])
    items = "".join(f"<li>{text(_sentence(one))}</li>" for one in words)
    return section("Against budget and baseline", f"<ul>{items}</ul>") if items else ""


def device_section(report: Json) -> str:
    """Return the machine, what disturbed it, and the versions."""
    device = report["device"]
    during = device.get("during_the_run") or {}
    warm = during.get("temperature_c")
    facts = [
        ("Processor", device.get("cpu")),
        ("Instructions", ", ".join(device.get("flags") or [])),
        ("Cores", device.get("cores")),
        ("CPU quota", device.get("cpu_quota")),
        ("Memory", number(device.get("memory_gb"), 1, " GB")),
        ("Clock governor", device.get("governor") or "not told by the platform"),
        ("Virtual machine", "yes" if device.get("virtual") else "no"),
        ("System", f"{device.get('os', '')}, Linux {device.get('kernel', '')}"),
        ("Load before", during.get("load_before")),
        ("Stolen time", percent(during.get("steal"), 2)),
        ("Temperature", f"{warm[0]:.0f} to {warm[1]:.0f} °C" if warm else "not told by the platform"),
        ("Energy", _energy(report["bundles"]) or "not told by the platform"),
        *((name, version) for name, version in (device.get("versions") or {}).items()),
    ]
    return section("The machine", definitions(facts))


def _energy(bundles: list[Json]) -> str:
    """Return joules a frame of every bundle that has them, and who counted."""
    counted = [(one["name"], one["energy"]) for one in bundles if one.get("energy")]
    if not counted:
        return ""
    each = ", ".join(f"{name} {energy['joules_per_frame']:.3g} J" for name, energy in counted)
    return f"{each} a frame by {counted[0][1]['source']}, the whole processor, start-up counted in"


def bundles_section(report: Json) -> str:
    """Return what each bundle is: engine, precision, size and the network in it."""
    heads = ["Bundle", "network", "precision", "engine", "input", "INT8 layers", "float layers", "size"]
    rows = [
        [
            one["name"],
            ((one.get("model") or {}).get("spec") or {}).get("name", "?"),
            one.get("precision"),
            one.get("target"),
            f"{one['input']['height']}x{one['input']['width']}",
            (one.get("layers") or {}).get("int8", "–"),
            (one.get("layers") or {}).get("float", "–"),
            number(one.get("size_mb"), 1, " MB"),
        ]
        for one in report["bundles"]
    ]
    return section("The bundles", table("Sizes are height x width", heads, rows, words=(0, 1, 2, 3)))


def steps_section(report: Json) -> str:
    """Return the steps that led here with their times; empty when the report comes from `bench` alone."""
    steps = report.get("steps") or []
    rows = [[one["name"], one["result"], number(one["seconds"], 0, " s")] for one in steps]
    return (
        section("How it was made", table("Steps in order", ["Step", "Result", "Time"], rows, words=(0, 1)))
        if rows
        else ""
    )


def reproduce_section(report: Json) -> str:
    """Return the commands, and what they ran on."""
    origin = report.get("provenance") or {}
    lines = report.get("commands") or [origin.get("command", "")]
    made = f"Made {origin.get('created', '?')} from commit {origin.get('git') or 'unknown'}."
    raw = (
        "report.json beside this page holds every single latency; the page is made from it and nothing else."
    )
    return section("Reproduce", paragraph(f"{made} {raw}"), commands(line for line in lines if line))
