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
import heapq
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
    """Of each unit: its number, when it began, and its samples (phase, step, start, duration)."""
    rng = random.Random(1)
    start = T0
    for unit in range(1, o.samples // len(PHASES) + 1):
        at, rows = start, []
        for i, phase in enumerate(PHASES):
            took = rng.lognormvariate(0, 0.5) * 100_000_000 + 1
            if phase == "create":
                took *= 1 + o.drift / 100 * (start - T0) / HOUR
                took *= 1 + (o.step / 100 if 2 * (start - T0) > wall(o) else 0)
            rows.append((phase, 1 if i == 4 else 0, at, int(took)))
            at += int(took)
        yield unit, start, rows
        start += o.every * 1_000_000


def metrics(o):
    """When the host was measured, and how much memory was available."""
    rng = random.Random(2)
    for at in range(T0, T0 + wall(o), METRIC_PERIOD):
        less = o.drift / 100 * (at - T0) / HOUR
        yield at, int((8 << 30) * (1 - less + rng.gauss(0, 0.01)))


def records(o):
    """What an agent records, in its order, which is that of time: number, kind, and what it says."""
    measured = ((at, "metric", (at, memory)) for at, memory in metrics(o))

    def units():
        waiting, n = [], 0  # what has not ended when the next one begins
        for unit, start, rows in lives(o):
            while waiting and waiting[0][0] <= start:
                yield heapq.heappop(waiting)[::2]
            for row in rows:
                n += 1
                heapq.heappush(waiting, (row[2] + row[3], n, ("sample", (unit, *row))))
            end = rows[-1][2] + rows[-1][3]
            heapq.heappush(waiting, (end, n + 1, ("outcome", (unit, start, end - start))))
            n += 1
        while waiting:
            yield heapq.heappop(waiting)[::2]

    ended = ((at, *record) for at, record in units())
    for seq, (_, kind, what) in enumerate(heapq.merge(ended, measured, key=lambda r: r[0]), 1):
        yield seq, kind, what


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
    inserts = {
        "sample": "INSERT INTO sample (run, unit, attempt, host, phase, step, start_realtime_ns,"
                  " start_monotonic_ns, duration_ns, result, error_code, agent, seq)"
                  " VALUES (?, ?, 1, 'a', ?, ?, ?, ?, ?, 'ok', 0, 1, ?)",
        "outcome": "INSERT INTO unit (run, unit, host, attempt, outcome, name, start_realtime_ns,"
                   " duration_ns, agent, seq) VALUES (?, ?, 'a', 1, 'passed', ?, ?, ?, 1, ?)",
        "metric": "INSERT INTO metric (run, host, realtime_ns, mem_available, agent, seq)"
                  " VALUES (?, 'a', ?, ?, 1, ?)"}
    for seq, kind, what in records(o):
        if kind == "sample":
            unit, phase, step, at, duration = what
            row = (unit, phase, step, at, at - T0, duration)
        elif kind == "outcome":
            row = (what[0], f"soak-{RUN}-{what[0]}", *what[1:])
        else:
            row = what
        new.execute(inserts[kind], (RUN, *row, seq))
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
        for seq, kind, what in records(o):
            common = {**run, "LXDSOAK_AGENT": AGENT, "LXDSOAK_RECORD": kind, "LXDSOAK_SEQ": seq}
            if kind == "metric":
                entry("a", MESSAGE_ID=ids + "c05", **common, LXDSOAK_REALTIME_NS=what[0],
                      LXDSOAK_MEM_AVAILABLE=what[1])
                continue
            name = f"soak-{RUN}-{what[0]}"
            common |= {"LXDSOAK_INSTANCE": name, "LXDSOAK_UNIT": what[0], "LXDSOAK_ATTEMPT": 1}
            if kind == "sample":
                _, phase, step, at, duration = what
                entry("a", MESSAGE=f"{name}: {phase} took {duration} ns", MESSAGE_ID=ids + "a03",
                      **common, LXDSOAK_PHASE=phase, LXDSOAK_STEP=step,
                      LXDSOAK_START_REALTIME_NS=at, LXDSOAK_START_MONOTONIC_NS=at - T0,
                      LXDSOAK_DURATION_NS=duration, LXDSOAK_RESULT="ok")
            else:
                entry("a", MESSAGE=f"{name}: unit passed", MESSAGE_ID=ids + "a05", **common,
                      LXDSOAK_OUTCOME="passed", LXDSOAK_START_REALTIME_NS=what[1],
                      LXDSOAK_DURATION_NS=what[2])
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
