# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sides that are compared. Each runs once and says what it took and what came of it."""

import json
import pathlib
import subprocess

import containers
import meter

HERE = pathlib.Path(__file__).parent


def result(side, wall_s, cpu_s, done, **more):
    """One run of one side, as the table reads it."""
    return {"side": side, "wall_s": wall_s, "cpu_s": cpu_s, "done": done, **more}


# ---- lxd-benchmark ----------------------------------------------------------


def lxd_benchmark(load):
    """Launch, stop and delete one after another. What it did is looked up: it always says success."""
    steps = {"launch": ["--count", str(load.units), "soak"], "stop": [], "delete": []}
    took, up = [], set()
    for step, more in steps.items():
        took.append(meter.measure(f"benchmark-{step}", ["lxd-benchmark", step, "--parallel",
                                                        str(load.parallel), *more],
                                  load.limit_s, load.directory))
        if took[-1].code is None:
            break
        if step == "launch":
            up = containers.running()
    there = set(containers.listed())
    return result("lxd-benchmark", sum(m.wall_s for m in took), sum(m.cpu_s for m in took),
                  len(up - there), codes=[m.code for m in took],
                  killed=[k for m in took for k in m.killed])


# ---- lxdsoak ----------------------------------------------------------------


def unit_group(unit):
    """A running service's control group."""
    done = subprocess.run(["systemctl", "show", "-P", "ControlGroup", unit], check=True, text=True,
                          capture_output=True)
    return meter.CGROUPS / done.stdout.strip().lstrip("/")


def soak(side, load, *options):
    """A run of the coordinator, against the agent that runs here as a service."""
    agent, slice_ = unit_group("lxdsoak-agent.service"), unit_group("lxdsoak.slice")
    before = meter.cpu_seconds(agent), meter.cpu_seconds(slice_)
    coord = meter.measure("coord", ["lxdsoak-coord", "--hosts", "localhost", "--stop", "force",
                                    "--total", str(load.units), "--parallel", str(load.parallel),
                                    "--quiet", "--json", *options], load.limit_s, load.directory)
    agent_cpu_s = meter.cpu_seconds(agent) - before[0]
    slice_cpu_s = meter.cpu_seconds(slice_) - before[1]
    try:
        done = json.loads(coord.out)["units"]["passed"]
    except (ValueError, KeyError):
        done = 0
    return result(side, coord.wall_s, agent_cpu_s, done, codes=[coord.code], killed=coord.killed,
                  coordinator_cpu_s=coord.cpu_s, helper_cpu_s=slice_cpu_s - agent_cpu_s,
                  said=coord.err if coord.code else "")


def lxdsoak_cut(load):
    """The phases of lxd-benchmark, and no others."""
    return soak("lxdsoak-cut", load, "--phases", "create,start,stop,delete")


def lxdsoak_full(load):
    """The whole unit with its two commands, readiness and the look at the host."""
    return soak("lxdsoak", load)


# ---- the old way ------------------------------------------------------------


def under_parallel(side, load, script):
    """GNU parallel over a script that takes a container's name."""
    joblog = load.directory / f"{side}.joblog"
    names = [f"{side}-{i:04d}" for i in range(1, load.units + 1)]
    ran = meter.measure(side, ["parallel", "--jobs", str(load.parallel), "--joblog", str(joblog),
                               str(HERE / script), ":::", *names], load.limit_s, load.directory)
    jobs = [line.split("\t") for line in joblog.read_text(encoding="utf-8").splitlines()[1:]]
    return result(side, ran.wall_s, ran.cpu_s, sum(job[6] == "0" for job in jobs), codes=[ran.code],
                  killed=[k for k in ran.killed if "parallel" not in k], said=ran.err[-2000:])


def lxc(load):
    """The lxc command under GNU parallel."""
    return under_parallel("lxc", load, "unit-lxc")


def pylxd(load):
    """A pylxd script under GNU parallel."""
    return under_parallel("pylxd", load, "unit-pylxd")


ALL = {"lxd-benchmark": lxd_benchmark, "lxdsoak-cut": lxdsoak_cut, "lxdsoak": lxdsoak_full,
       "lxc": lxc, "pylxd": pylxd}
