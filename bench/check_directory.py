"""How fast ``actgate check`` judges a directory, as a user waits for it: a new process each time.

``python -m bench.check_directory`` prints the measurement by itself, as one JSON object.
"""

import argparse
import json
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

import yaml

from bench.manifests import manifest, model_deployment
from bench.report import Section

PROGRAM: Final = Path(sysconfig.get_path("scripts")) / "actgate"
NOW: Final = "2026-11-23T12:00:00Z"
DOCUMENTS: Final = 1000
RUNS: Final = 5


def run() -> Section:
    """Judge a directory of 1,000 documents, and one file of it, in processes of their own."""
    found = measure(DOCUMENTS, RUNS)
    return Section(
        "A directory on the command line",
        f"`actgate check -f DIR` as a new process, median of {RUNS} runs; half of the documents are "
        "ModelDeployments, in a YAML file each with their manifest.",
        ("documents", "seconds", "of them CPU", "documents/s", "peak memory, MiB"),
        [
            (
                "2",
                f"{found['seconds_for_one_file']:.2f}",
                f"{found['cpu_seconds_for_one_file']:.2f}",
                "",
                f"{found['peak_rss_mib_for_one_file']:.0f}",
            ),
            (
                f"{DOCUMENTS:,}",
                f"{found['seconds']:.2f}",
                f"{found['cpu_seconds']:.2f}",
                f"{found['documents_per_second']:.0f}",
                f"{found['peak_rss_mib']:.0f}",
            ),
        ],
        "The first row is the cost of starting, which the second holds too: at most 0.3 CPU seconds are "
        "allowed for it.",
    )


def measure(documents: int, runs: int) -> dict[str, float]:
    """Return seconds and MiB for a directory of that many documents, and for one file of it."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(documents // 2):
            pair = (manifest(number), model_deployment(number))
            Path(folder, f"model-{number:06}.yaml").write_text(yaml.safe_dump_all(pair, sort_keys=False))
        whole = [_check(folder) for _ in range(runs)]
        single = [_check(f"{folder}/model-000000.yaml") for _ in range(runs)]
    seconds, start_up = (statistics.median(taken for taken, _, _ in each) for each in (whole, single))
    cpu, start_up_cpu = (statistics.median(taken for _, taken, _ in each) for each in (whole, single))
    return {
        "documents": documents // 2 * 2,
        "runs": runs,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "documents_per_second": round(documents // 2 * 2 / seconds),
        "peak_rss_mib": round(max(peak for _, _, peak in whole), 1),
        "seconds_for_one_file": round(start_up, 3),
        "cpu_seconds_for_one_file": round(start_up_cpu, 3),
        "peak_rss_mib_for_one_file": round(max(peak for _, _, peak in single), 1),
    }


_RUNNER: Final = """
import json, os, sys, time
started = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(process, 0)
cpu = usage.ru_utime + usage.ru_stime
taken = time.perf_counter() - started
print(json.dumps([os.waitstatus_to_exitcode(status), taken, cpu, usage.ru_maxrss / 1024]))
"""
# A child's peak counts from its parent's size at the start, so the parent must be small: not this one.


def _check(path: str) -> tuple[float, float, float]:
    """Run the command on a path; return wall seconds, CPU seconds and peak memory in MiB."""
    arguments = [str(PROGRAM), "check", "-f", path, "--now", NOW]
    runner = [sys.executable, "-S", "-c", _RUNNER, *arguments]
    done = subprocess.run(runner, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    code, seconds, cpu, peak = json.loads(done.stdout)
    assert code == 0, f"actgate check ended with {code}: {done.stderr}"
    return seconds, cpu, peak


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure actgate check on a directory.")
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    print(json.dumps(measure(options.documents, options.runs), indent=2))
