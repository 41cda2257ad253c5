"""`python -m tests.benchmarks [--quick] [--json FILE] [ROW …]`: measures and asserts nothing."""

import argparse
import traceback
from pathlib import Path

from relevo.servicekit.logging import configure_logging

from . import federation_rows, gateway_rows, matching_rows, node_rows, report, standing_rows
from .measure import Outcome, Plan, run

ROWS = {
    row.name: row
    for module in (node_rows, gateway_rows, federation_rows, standing_rows, matching_rows)
    for row in module.ROWS
}


def main() -> None:
    """Measures the chosen rows, prints the table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--rounds", type=int, help="turns of each contestant")
    parser.add_argument("--seconds", type=float, help="length of a turn")
    parser.add_argument("--million", action="store_true", help="growth up to 10^6 referrals")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure of every turn")
    asked = parser.parse_args()
    unknown = sorted(set(asked.rows) - set(ROWS))
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    plan = Plan(
        rounds=asked.rounds or (2 if asked.quick else 5),
        seconds=asked.seconds or (1.0 if asked.quick else 4.0),
        million=asked.million,
    )
    configure_logging("benchmarks", "WARNING")
    outcomes: list[Outcome] = []
    failed: list[str] = []
    for name in asked.rows or ROWS:
        print(f"measuring {name}: {ROWS[name].work}", flush=True)
        try:
            outcomes.append(run(ROWS[name], plan))
        except Exception:  # noqa: BLE001 - the other rows are still worth measuring
            traceback.print_exc()
            failed.append(name)
    print(f"\n{report.details(outcomes)}\n\n{report.table(outcomes)}")
    if asked.json is not None:
        report.write_json(asked.json, plan, outcomes)
    if failed:
        parser.exit(1, f"not measured: {', '.join(failed)}\n")


if __name__ == "__main__":
    main()
