/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a run was lent: it comes, is begun by run-units.c, and what is not goes back; see run.h.
 * When what may begin is for leases.h to say. */

#include "agent/run-internal.h"

void run_return_lease(struct run *run, int64_t lease, int64_t first, int64_t count,
                      const char *reason)
{
        struct record record = {.kind = RECORD_RETURNED, .unit = first, .lease = lease};
        int r;

        record.returned.first = first;
        record.returned.count = count;
        snprintf(record.returned.reason, sizeof(record.returned.reason), "%s", reason);
        r = run_keep_record(run, &record, lease);
        if (r < 0)
                log_error("Lease %lld could not be given back: %s; it will expire",
                          (long long)lease, strerror(-r));
}

void run_give_back(struct run *run, int64_t lease, const char *reason)
{
        struct lease_part part;

        while (leases_take(&run->leases, lease, &part))
                run_return_lease(run, part.lease, part.first, part.count, reason);
}

void run_return_expired(struct run *run, int64_t now_ns)
{
        struct lease_part part;
        size_t n = 0;

        for (; leases_take_expired(&run->leases, now_ns, &part); n++)
                run_return_lease(run, part.lease, part.first, part.count, "expired");
        if (n > 0)
                log_warning("Run %s: its coordinator was silent for too long; what was not begun "
                            "is given back",
                            run->spec.run);
}

int64_t run_count_leased(const struct run *run)
{
        int64_t n = 0;

        for (size_t i = 0; i < run->leases.n; i++)
                n += run->leases.items[i].count;
        return n;
}

bool run_has_begun(const struct run *run)
{
        return run->leases.newest > 0;
}

bool run_knows_lease(const struct run *run, int64_t lease)
{
        return leases_know(&run->leases, lease);
}

int run_add_lease(struct run *run, const struct msg_lease *msg)
{
        struct lease_part part = {msg->lease, msg->first, msg->count, msg->attempt};
        int r = leases_add(&run->leases, &part, msg->ttl_ns);

        if (r < 0)
                return r;
        if (run->stopping || run->given_up)
                run_give_back(run, 0, run->stopping ? "drain" : "wedge");
        run_pump_soon(run);
        return 0;
}

void run_revoke(struct run *run, int64_t lease)
{
        run_give_back(run, lease, "revoked");
}

void run_set_newest_lease(struct run *run, int64_t lease)
{
        run->leases.newest = lease;
}

void run_echo(struct run *run, int64_t stamp_ns, int64_t now_ns)
{
        leases_echo(&run->leases, stamp_ns, now_ns);
}

static bool holds(json_object *list, int64_t lease)
{
        for (size_t i = 0; i < json_object_array_length(list); i++)
                if (json_object_get_int64(json_object_array_get_idx(list, i)) == lease)
                        return true;
        return false;
}

json_object *run_list_leases(const struct run *run)
{
        json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < run->leases.n; i++)
                json_object_array_add(list, json_object_new_int64(run->leases.items[i].lease));
        for (const struct slot *slot = run->slots; list && slot; slot = slot->next)
                if (!holds(list, runner_lease(slot->runner)))
                        json_object_array_add(list,
                                              json_object_new_int64(runner_lease(slot->runner)));
        return list;
}
