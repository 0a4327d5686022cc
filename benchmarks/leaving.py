"""A thousand live clients that leave at each place of their request's way, and what they leave behind.

Gateway, clients and upstream are those of the tests, which have fewer.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.gateway.leaving import PLACES, WAVE, Left, Place, clients_leave, set_up
from tests.running_gateway import MASTER_KEY, running_gateway
from tests.scripted_upstream import ScriptedUpstream


def main() -> int:
    """Print what is left after the clients of each place; 1 when that is anything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaving", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    wanted = parser.parse_args()
    os.environ["OMNIROUTE_MASTER_KEY"] = MASTER_KEY
    worst = 0
    for name, place in PLACES.items():
        with tempfile.TemporaryDirectory() as directory:
            began_s = time.perf_counter()
            left = asyncio.run(leave(Path(directory), place, wanted.clients))
            worst += show(name, left, time.perf_counter() - began_s)
    return 1 if worst else 0


async def leave(directory: Path, place: Place, clients: int) -> Left:
    """What is left by so many clients at this place."""
    async with ScriptedUpstream() as upstream, running_gateway(directory) as running:
        await set_up(running, upstream)
        await clients_leave(running, upstream, place, WAVE)  # what is made once
        return await clients_leave(running, upstream, place, clients)


def show(name: str, left: Left, took_s: float) -> int:
    """Print it; how many things are wrong."""
    changed = [what for what, state in left.state.items() if state != left.state_before[what]]
    rows = ", ".join(f"{outcome.value}: {count}" for outcome, count in left.rows.items())
    memory, files, tasks = left.memory_mb, left.files, left.tasks
    lines = [
        f"{name}: in {took_s:.1f} s, rows {rows}",
        f"  health, slots, reservations, probes, limits: {', '.join(changed) or 'as before'}",
        f"  objects of requests: {dict(left.objects) or 'none'}; upstream connections: {left.connections}",
        f"  open files {files[0]} to {files[-1]}, tasks {tasks[0]} to {tasks[-1]}, "
        f"memory {memory[0]:.1f} to {memory[-1]:.1f} MB, at most {max(memory):.1f}",
    ]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()
    return len(changed) + left.objects.total() + left.connections + (files[-1] > files[0] + 5)


if __name__ == "__main__":
    sys.exit(main())
