/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the API shows an instance. A pid it names is above the kernel's largest, so
 * that nobody who believes it can meet a real process.
 */

#include "instances.h"

#define PID_BASE UINT64_C(5000000)

static const char profile_devices[] =
        "\"eth0\":{\"name\":\"eth0\",\"network\":\"lxdbr0\",\"type\":\"nic\"},"
        "\"root\":{\"path\":\"/\",\"pool\":\"default\",\"type\":\"disk\"}";

static void render_devices(const struct instance *i, struct buf *b)
{
        buf_add(b, "{", 1);
        buf_puts(b, profile_devices);
        json_object_object_foreach (i->devices, key, value) {
                if (strcmp(key, "eth0") == 0 || strcmp(key, "root") == 0)
                        continue;
                buf_add(b, ",", 1);
                buf_json_string(b, key);
                buf_add(b, ":", 1);
                buf_json(b, value);
        }
        buf_add(b, "}", 1);
}

void instance_render_state(const struct instance *i, struct buf *b)
{
        bool running = i->status == INSTANCE_RUNNING || i->status == INSTANCE_FROZEN;
        json_object *veth = NULL;

        buf_printf(b,
                   "{\"status\":\"%s\",\"status_code\":%d,\"disk\":{},\"memory\":{\"usage\":%d,"
                   "\"usage_peak\":0,\"total\":0,\"swap_usage\":0,\"swap_usage_peak\":0},"
                   "\"network\":",
                   status_text((int)i->status), (int)i->status, running ? 1048576 : 0);
        json_object_object_get_ex(i->config, "volatile.eth0.host_name", &veth);
        if (running && veth)
                buf_printf(b,
                           "{\"eth0\":{\"addresses\":[],\"counters\":{},\"hwaddr\":\"%s\","
                           "\"host_name\":\"%s\",\"mtu\":1500,\"state\":\"up\","
                           "\"type\":\"broadcast\"}}",
                           "00:16:3e:00:00:01", json_object_get_string(veth));
        else
                buf_puts(b, "null");
        buf_printf(b, ",\"pid\":%llu,\"processes\":%d,\"cpu\":{\"usage\":%d}}",
                   running ? (unsigned long long)(PID_BASE + i->serial) : 0ULL, running ? 1 : 0,
                   running ? 1000000 : 0);
}

void instance_render(const struct instance *i, bool full, bool stuck, struct buf *b)
{
        int status = stuck ? INSTANCE_ERROR : (int)i->status;

        buf_puts(b, "{\"architecture\":\"x86_64\",\"config\":");
        buf_json(b, i->config);
        buf_puts(b, ",\"devices\":");
        buf_json(b, i->devices);
        buf_printf(b, ",\"ephemeral\":%s,\"profiles\":", i->ephemeral ? "true" : "false");
        buf_json(b, i->profiles);
        buf_puts(b, ",\"stateful\":false,\"description\":");
        buf_json_string(b, i->description);
        buf_puts(b, ",\"created_at\":");
        buf_json_time(b, i->created_ns);
        buf_puts(b, ",\"expanded_config\":");
        buf_json(b, i->config);
        buf_puts(b, ",\"expanded_devices\":");
        render_devices(i, b);
        buf_puts(b, ",\"name\":");
        buf_json_string(b, i->name);
        buf_printf(b,
                   ",\"status\":\"%s\",\"status_code\":%d,\"last_used_at\":", status_text(status),
                   status);
        buf_json_time(b, i->used_ns);
        buf_puts(b, ",\"location\":\"none\",\"type\":\"container\",\"project\":");
        buf_json_string(b, i->project);
        if (full) {
                buf_puts(b, ",\"backups\":null,\"state\":");
                instance_render_state(i, b);
                buf_puts(b, ",\"snapshots\":null");
        }
        buf_add(b, "}", 1);
}
