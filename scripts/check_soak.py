"""Judge the report of a soak run: nothing may grow, and nothing may be lost that was not counted.

python scripts/check_soak.py REPORT.json    # prints the facts; exit code 1 names what is wrong
"""

import json
import sys
from pathlib import Path

GROWTH_MB = 4.0  # resident memory from the middle of the run to its end
LATER = 1.5  # mean age of the second half over that of the first


def complaints(report: dict) -> list[str]:
    """Return one sentence for everything that grew or went missing."""
    soak, coded = report["soak"], report["coded"]
    rss, age = soak["rss_mb"], soak["mean_age_ms"]
    lost = report["frames_in"] - report["frames_out"] - report["dropped"]
    checks = [
        (lost == 0, f"{lost} frames are neither out nor counted as dropped"),
        (coded["read"] == report["frames_out"], f"{coded['read']} codes were read of {report['frames_out']}"),
        (coded["missing"] <= report["dropped"], f"{coded['missing']} codes are missing without a drop"),
        (coded["out_of_order"] == 0, f"{coded['out_of_order']} frames came out of order"),
        (rss["end"] - rss["middle"] < GROWTH_MB, f"memory grew from {rss['middle']} to {rss['end']} MB"),
        (soak["fds"]["end"] <= soak["fds"]["begin"], f"open files went from {soak['fds']}"),
        (age["second_half"] < LATER * age["first_half"] + 1, f"the age of a frame grew: {age}"),
    ]
    return [sentence for ok, sentence in checks if not ok]


def main() -> None:
    """Print the facts, then what is wrong with them."""
    report = json.loads(Path(sys.argv[1]).read_text())
    counts = f"{report['frames_out']} frames out, {report['dropped']} dropped"
    print(f"{counts}, in {report['soak']['seconds']:.0f} s")
    print(f"memory {report['soak']['rss_mb']} MB, {report['soak']['rss_slope_mb_per_hour']:.1f} MB an hour")
    print(f"open files {report['soak']['fds']}, mean age {report['soak']['mean_age_ms']} ms")
    print(f"codes {report['coded']}")
    wrong = complaints(report)
    for sentence in wrong:
        print(f"wrong: {sentence}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
