"""Ten thousand live requests by each strategy over five flaky accounts, and the laws that have to hold.

Sockets, HTTP, store and loops are real; time is not: where the event loop would sleep, its clock jumps. The
gateway, its clients and the accounts are those of the tests, which ask fewer.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from omniroute.records import AccountStrategy
from tests.gateway.flaky_live import CHANGEABLE, NAMES, STORM, Run, run
from tests.running_gateway import MASTER_KEY

SPARING = (AccountStrategy.P2C, AccountStrategy.LEAST_USED)
"""These prefer some of those who are free: even shares only stand beside theirs."""
OFF = 0.02


def main() -> int:
    """Print what came of each run; 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flaky", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--strategy", choices=[one.value for one in AccountStrategy], action="append")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    os.environ["OMNIROUTE_MASTER_KEY"] = MASTER_KEY
    broken = 0
    for name in wanted.strategy or [one.value for one in AccountStrategy]:
        for weather in (CHANGEABLE, STORM):
            with tempfile.TemporaryDirectory() as directory:
                began_s = time.perf_counter()
                made = run(
                    Path(directory),
                    AccountStrategy(name),
                    wanted.requests,
                    seed=wanted.seed,
                    weather=weather,
                )
                show(made, time.perf_counter() - began_s)
            broken += len(made.stranded) + len(made.disturbed) + misshared(made)
    return 1 if broken else 0


def misshared(made: Run) -> int:
    """Accounts that were asked first more or less often than the strategy says."""
    if made.strategy in SPARING:
        return 0
    return sum(abs(made.first[name] - made.due[name]) > OFF * made.requests for name in NAMES)


def show(made: Run, took_s: float) -> None:
    """One run, for people."""
    due = "even shares" if made.strategy in SPARING else "due first"
    weather = "answering {:g} s, failing {:g} s on average".format(*made.weather)
    say(f"{made.strategy.value}: {made.requests} requests in {took_s:.1f} s, accounts {weather}")
    say(f"  told                  {counted(made.statuses)}; the longest after {made.longest_s:.1f} s")
    say(f"  attempts              {made.attempts}, of them probes {made.probes}")
    say(f"  failed attempts       {counted(made.failures)}")
    say(f"  breaker opened        {made.opened} times")
    say(f"  stranded              {len(made.stranded)} that a free account could have served")
    say(f"  called while cooling  {len(made.disturbed)}")
    say("  account      " + "".join(f"{name:>9}" for name in NAMES))
    say("  served       " + "".join(f"{made.served[name]:9}" for name in NAMES))
    say("  asked first  " + "".join(f"{made.first[name]:9}" for name in NAMES))
    say(f"  {due:13}" + "".join(f"{made.due[name]:9.0f}" for name in NAMES))
    for line in (*made.stranded, *made.disturbed)[:20]:
        say(f"  ! {line}")
    say("")


def counted(counts: Counter[int] | Counter[str]) -> str:
    """`200: 9990, 503: 10`."""
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items(), key=str)) or "none"


def say(line: str) -> None:
    """One line on stdout."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
