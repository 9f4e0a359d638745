#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a large run up, to measure how long reports of it take.

    made-run.py store SAMPLES DIR       DIR/run.db, as a coordinator leaves it
    made-run.py export SAMPLES FILE     the entries of its host and coordinator, as
                                        `journalctl -o export` writes them

Schema and spec are those of an existing store, --like RUN.DB. A unit begins --every so many
milliseconds; with --drift, create takes so many percent more an hour, and there is so much less
memory available; with --step, create takes so many percent more in the second half. --threshold is as lxdsoak-coord's.
Then: time lxdsoak-report --json DIR, or --stream FILE.
"""

import argparse
import json
import os
import random
import sqlite3
import sys

RUN, AGENT, T0 = "bench000", "0" * 32, 1_750_000_000_000_000_000
PHASES = ["create", "start", "ready", "exec", "exec", "stop", "delete", "verify"]
METRIC_PERIOD = 10 * 10**9
HOUR = 3600 * 10**9


def lives(o):
    """unit, its samples (phase, step, start, duration), how long it took, and what was measured of
    the host since the one before (time, memory available)."""
    rng = random.Random(1)
    start, measured = T0, T0
    for unit in range(1, o.samples // len(PHASES) + 1):
        at, rows, memory = start, [], []
        for i, phase in enumerate(PHASES):
            took = rng.lognormvariate(0, 0.5) * 100_000_000 + 1
            if phase == "create":
                took *= 1 + o.drift / 100 * (start - T0) / HOUR
                took *= 1 + (o.step / 100 if 2 * (start - T0) > wall(o) else 0)
            rows.append((phase, 1 if i == 4 else 0, at, int(took)))
            at += int(took)
        while measured <= start:
            less = o.drift / 100 * (measured - T0) / HOUR
            memory.append((measured, int((8 << 30) * (1 - less + rng.gauss(0, 0.01)))))
            measured += METRIC_PERIOD
        yield unit, rows, at - start, memory
        start += o.every * 1_000_000


def wall(o):
    return o.samples // len(PHASES) * o.every * 1_000_000 + 10**9


def make_store(o):
    directory, like, samples = o.path, o.like, o.samples
    os.makedirs(directory)
    old = sqlite3.connect(f"file:{like}?mode=ro", uri=True)
    new = sqlite3.connect(os.path.join(directory, "run.db"))
    for pragma in ("application_id", "user_version"):
        new.execute(f"PRAGMA {pragma} = {old.execute(f'PRAGMA {pragma}').fetchone()[0]}")
    new.execute("PRAGMA synchronous = OFF")
    for (sql,) in old.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
        new.execute(sql)
    run = dict(zip([c[0] for c in old.execute("SELECT * FROM run").description],
                   old.execute("SELECT * FROM run").fetchone()))
    spec = {**json.loads(run["spec"]), "run": RUN, "total": samples // len(PHASES)}
    new.execute("INSERT INTO run (run, mode, planned, seed, spec, started_realtime_ns,"
                " ended_realtime_ns, wall_ns, thresholds) VALUES (?, 'churn', ?, 1, ?, ?, ?, ?, ?)",
                (RUN, spec["total"], json.dumps(spec), T0, T0 + wall(o), wall(o),
                 json.dumps(o.threshold)))
    new.execute("INSERT INTO host (run, host, number, state, agent, server) VALUES (?, 'a', 0,"
                " 'finished', 1, 'lxd 5.0.2')", (RUN,))
    new.execute("INSERT INTO agent (agent, run, host, agent_id, acked) VALUES (1, ?, 'a', ?, 0)",
                (RUN, AGENT))
    seq = 0
    for unit, rows, took, memory in lives(o):
        batch = []
        for phase, step, at, duration in rows:
            seq += 1
            batch.append((RUN, unit, phase, step, at, at - T0, duration, seq))
        new.executemany("INSERT INTO sample (run, unit, attempt, host, phase, step, start_realtime_ns,"
                        " start_monotonic_ns, duration_ns, result, error_code, agent, seq)"
                        " VALUES (?, ?, 1, 'a', ?, ?, ?, ?, ?, 'ok', 0, 1, ?)", batch)
        seq += 1
        new.execute("INSERT INTO unit (run, unit, host, attempt, outcome, name, start_realtime_ns,"
                    " duration_ns, agent, seq) VALUES (?, ?, 'a', 1, 'passed', ?, ?, ?, 1, ?)",
                    (RUN, unit, f"soak-{RUN}-{unit}", rows[0][2], took, seq))
        for at, available in memory:
            seq += 1
            new.execute("INSERT INTO metric (run, host, realtime_ns, mem_available, agent, seq)"
                        " VALUES (?, 'a', ?, ?, 1, ?)", (RUN, at, available, seq))
    new.commit()


def make_export(o):
    path, like, samples = o.path, o.like, o.samples
    old = sqlite3.connect(f"file:{like}?mode=ro", uri=True)
    spec = {**json.loads(old.execute("SELECT spec FROM run").fetchone()[0]), "run": RUN,
            "total": samples // len(PHASES)}
    ids = "b7d3d6a1c2f64b0c9b1f7a9e3d5c1"
    with open(path, "w", encoding="utf-8") as out:
        clock = T0 // 1000

        def entry(host, **fields):
            nonlocal clock
            clock += 1
            out.write(f"__REALTIME_TIMESTAMP={clock}\n__MONOTONIC_TIMESTAMP={clock - T0 // 1000}\n"
                      f"_BOOT_ID={'1' * 32}\n_HOSTNAME={host}\n_PID=1\n_COMM=lxdsoak\nPRIORITY=6\n"
                      "_TRANSPORT=journal\n_UID=0\n_GID=0\n_SYSTEMD_UNIT=lxdsoak-agent.service\n")
            for name, value in fields.items():
                out.write(f"{name}={value}\n")
            out.write("\n")

        run = {"LXDSOAK_RUN": RUN}
        entry("desk", MESSAGE_ID=ids + "a01", **run, LXDSOAK_HOSTS=1, LXDSOAK_HOST_NAMES='["a"]',
              LXDSOAK_SPEC=json.dumps(spec), LXDSOAK_LIMIT_NS=0, LXDSOAK_STARTED_REALTIME_NS=T0,
              LXDSOAK_THRESHOLDS=json.dumps(o.threshold))
        seq = 0
        for unit, rows, took, memory in lives(o):
            common = {**run, "LXDSOAK_AGENT": AGENT, "LXDSOAK_INSTANCE": f"soak-{RUN}-{unit}"}
            for phase, step, at, duration in rows:
                seq += 1
                entry("a", MESSAGE=f"soak-{RUN}-{unit}: {phase} took {duration} ns",
                      MESSAGE_ID=ids + "a03", **common, LXDSOAK_RECORD="sample", LXDSOAK_SEQ=seq,
                      LXDSOAK_UNIT=unit, LXDSOAK_ATTEMPT=1, LXDSOAK_PHASE=phase, LXDSOAK_STEP=step,
                      LXDSOAK_START_REALTIME_NS=at, LXDSOAK_START_MONOTONIC_NS=at - T0,
                      LXDSOAK_DURATION_NS=duration, LXDSOAK_RESULT="ok")
            seq += 1
            entry("a", MESSAGE=f"soak-{RUN}-{unit}: unit passed", MESSAGE_ID=ids + "a05", **common,
                  LXDSOAK_RECORD="outcome", LXDSOAK_SEQ=seq, LXDSOAK_UNIT=unit, LXDSOAK_ATTEMPT=1,
                  LXDSOAK_OUTCOME="passed", LXDSOAK_START_REALTIME_NS=rows[0][2],
                  LXDSOAK_DURATION_NS=took)
            for at, available in memory:
                seq += 1
                entry("a", MESSAGE_ID=ids + "c05", **run, LXDSOAK_AGENT=AGENT,
                      LXDSOAK_RECORD="metric", LXDSOAK_SEQ=seq, LXDSOAK_REALTIME_NS=at,
                      LXDSOAK_MEM_AVAILABLE=available)
        entry("desk", MESSAGE_ID=ids + "c06", **run, LXDSOAK_HOST="a", LXDSOAK_STATE="finished",
              LXDSOAK_HOSTNAME="a", LXDSOAK_SERVER="lxd 5.0.2", LXDSOAK_AGENT=AGENT,
              LXDSOAK_AGENTS=json.dumps([[AGENT, seq]]))
        entry("desk", MESSAGE_ID=ids + "a0a", **run, LXDSOAK_VERDICT="pass", LXDSOAK_WALL_NS=wall(o),
              LXDSOAK_ENDED_REALTIME_NS=T0 + wall(o), LXDSOAK_NOT_COUNTED=0)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("what", choices=("store", "export"))
    arguments.add_argument("samples", type=int)
    arguments.add_argument("path")
    arguments.add_argument("--like", required=True, help="run.db of any run")
    arguments.add_argument("--every", type=int, default=40, metavar="MS")
    arguments.add_argument("--drift", type=float, default=0, metavar="PERCENT")
    arguments.add_argument("--step", type=float, default=0, metavar="PERCENT")
    arguments.add_argument("--threshold", action="append", default=[], metavar="FIGURE<LIMIT")
    o = arguments.parse_args()
    (make_store if o.what == "store" else make_export)(o)
    return 0


if __name__ == "__main__":
    sys.exit(main())
