"""A command pays for what it does, not for what the others could."""

from __future__ import annotations

import subprocess
import sys


def test_recording_loads_neither_comparing_nor_what_the_recorded_process_needs() -> None:
    """`tracer record` is a small parent: the instrumentation and the encoders are its child's, comparing is for several runs."""
    code = "import sys, tracer.workflows.recording; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert "tracer.workflows.recording" in loaded
    assert not loaded & {"tracer.compare.compare", "tracer.recording.recorder", "tracer.encoding.encode"}
