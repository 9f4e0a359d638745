/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Instances in the API: list, make, show, change, delete. Their state is api-state.c. */

#include "api.h"
#include "images.h"

void api_instances_get(struct call *c)
{
        struct fake *f = c->fake;
        struct buf *b = call_scratch(c);
        const char *separator = "";

        buf_add(b, "[", 1);
        list_foreach(l, &f->instances.list)
        {
                struct instance *i = container_of(l, struct instance, link);

                if (i->project != c->project)
                        continue;
                buf_puts(b, separator);
                separator = ",";
                if (c->recursion == 0)
                        buf_printf(b, "\"/1.0/instances/%s%s%s\"", i->name,
                                   strcmp(i->project, "default") == 0 ? "" : "?project=",
                                   strcmp(i->project, "default") == 0 ? "" : i->project);
                else
                        instance_render(
                                i, c->recursion > 1,
                                faults_on_instance(&f->faults, FAULT_MONITOR_STUCK, i->name), b);
        }
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}

struct instance *call_instance(struct call *c)
{
        struct instance *i = instances_find(&c->fake->instances, c->project, c->args[0]);

        if (!i)
                call_error(c, 404,
                           c->fake->dialect->short_errors ? "Instance not found"
                                                          : "Failed to fetch instance: Instance "
                                                            "not found");
        return i;
}

void api_instance_get(struct call *c)
{
        struct instance *i = call_instance(c);
        struct buf *b;

        if (!i)
                return;
        b = call_scratch(c);
        instance_render(i, c->recursion > 0,
                        faults_on_instance(&c->fake->faults, FAULT_MONITOR_STUCK, i->name), b);
        call_sync_etag(c, b->data, b->len, i->generation);
}

/* Takes a member of the body for oneself: a new reference, or NULL. */
static json_object *take(struct call *c, const char *key, enum json_type type)
{
        json_object *o = body_object(c, key);

        return json_object_is_type(o, type) ? json_object_get(o) : NULL;
}

/* Starts the create, or lets it fail as one whose name is taken does. */
static void create(struct call *c, enum op_kind kind, const char *fingerprint)
{
        struct fake *f = c->fake;
        const char *name = body_string(c, "name");
        json_object *config = take(c, "config", json_type_object);
        json_object *devices = take(c, "devices", json_type_object);
        json_object *profiles = take(c, "profiles", json_type_array);
        struct instance *i = NULL;
        struct operation *op;
        int r = instances_add(&f->instances, c->project, name, config, devices, profiles,
                              fingerprint, &i);

        if (r < 0) {
                json_object_put(config);
                json_object_put(devices);
                json_object_put(profiles);
        }
        op = operation_new(&f->operations, kind, i, c->project, name);
        if (!op) {
                if (i)
                        instances_remove(&f->instances, i);
                call_error(c, 500, "Too many operations");
                return;
        }
        if (r < 0) {
                operation_start_failing(op, &f->operations,
                                        r == -EEXIST ? f->dialect->duplicate_text
                                                     : "Too many instances");
        } else {
                i->ephemeral = body_bool(c, "ephemeral");
                op->start = f->dialect->create_start && body_bool(c, "start");
                operation_start(op, &f->operations, 0);
        }
        call_operation(c, op);
}

static void create_from_image(struct call *c, json_object *source)
{
        json_object *alias = NULL, *fingerprint = NULL;
        const struct image *image = NULL;

        json_object_object_get_ex(source, "alias", &alias);
        json_object_object_get_ex(source, "fingerprint", &fingerprint);
        if (alias)
                image = image_by_alias(c->fake, json_object_get_string(alias));
        else if (fingerprint)
                image = image_by_fingerprint(c->fake, json_object_get_string(fingerprint));
        else
                call_error(c, 400,
                           "Must specify one of alias, fingerprint or properties for init "
                           "from image");
        if (image)
                create(c, OP_CREATE, image->fingerprint);
        else if (alias)
                call_error(c, 404, "Image alias not found");
        else if (fingerprint)
                call_error(c, 404, "Image not found");
}

static void create_copy(struct call *c, json_object *source)
{
        json_object *o = NULL;
        struct instance *from;

        json_object_object_get_ex(source, "source", &o);
        if (!json_object_is_type(o, json_type_string)) {
                call_error(c, 400, "Must specify a source instance");
                return;
        }
        from = instances_find(&c->fake->instances, c->project, json_object_get_string(o));
        if (!from) {
                call_error(c, 404, "Instance not found");
                return;
        }
        if (!json_object_is_type(body_object(c, "profiles"), json_type_array)) {
                call_error(c, 400, "No root device could be found");
                return;
        }
        create(c, OP_COPY, "copy");
}

void api_instances_post(struct call *c)
{
        const char *name = body_string(c, "name"), *text;
        json_object *source = body_object(c, "source"), *type = NULL;

        if (c->bad_body || !c->body) {
                call_error(c, 400, "invalid character 'x' looking for beginning of value");
                return;
        }
        if (!name || !instance_name_valid(name)) {
                call_error(c, 400,
                           "Invalid instance name: Name can only contain alphanumeric and "
                           "hyphen characters");
                return;
        }
        if (json_object_is_type(source, json_type_object))
                json_object_object_get_ex(source, "type", &type);
        text = json_object_is_type(type, json_type_string) ? json_object_get_string(type) : "";
        if (strcmp(text, "image") == 0)
                create_from_image(c, source);
        else if (strcmp(text, "copy") == 0)
                create_copy(c, source);
        else
                call_errorf(c, 400, "Unknown source type %s", text);
}

/* Whether If-Match, when given, names what is there. */
static bool etag_matches(struct call *c, const struct instance *i)
{
        char is[24];

        if (!c->conn->request.if_match[0])
                return true;
        snprintf(is, sizeof(is), "\"%016llx\"", (unsigned long long)i->generation);
        if (strcmp(c->conn->request.if_match, is) == 0)
                return true;
        call_errorf(c, 412, "ETag doesn't match: %s vs %s", is, c->conn->request.if_match);
        return false;
}

/* Puts the body's config over the instance's; volatile.* stays what it is. */
static void merge_config(struct call *c, struct instance *i, bool replace)
{
        json_object *config = body_object(c, "config");
        const char *description = body_string(c, "description");

        if (replace) {
                json_object *kept = must(json_object_new_object());

                json_object_object_foreach (i->config, key, value) {
                        if (strncmp(key, "volatile.", 9) == 0)
                                json_object_object_add(kept, key, json_object_get(value));
                }
                json_object_put(i->config);
                i->config = kept;
        }
        if (json_object_is_type(config, json_type_object)) {
                json_object_object_foreach (config, key, value) {
                        if (json_object_object_length(i->config) < 1000)
                                json_object_object_add(i->config, key, json_object_get(value));
                }
        }
        if (description)
                snprintf(i->description, sizeof(i->description), "%s", description);
        i->generation++;
}

static void refuse_busy(struct call *c, const struct instance *i)
{
        call_errorf(c, 500, "Instance is busy running a \"%s\" operation",
                    op_infos[i->lock->kind].name);
}

void api_instance_put(struct call *c)
{
        struct fake *f = c->fake;
        struct instance *i = call_instance(c);
        struct operation *op;

        if (!i || !etag_matches(c, i))
                return;
        if (i->lock) {
                refuse_busy(c, i);
                return;
        }
        op = operation_new(&f->operations, OP_UPDATE, i, c->project, i->name);
        if (!op) {
                call_error(c, 500, "Too many operations");
                return;
        }
        merge_config(c, i, true);
        operation_start(op, &f->operations, 0);
        call_operation(c, op);
}

void api_instance_patch(struct call *c)
{
        struct instance *i = call_instance(c);

        if (!i || !etag_matches(c, i))
                return;
        if (i->lock) {
                refuse_busy(c, i);
                return;
        }
        merge_config(c, i, false);
        call_sync(c, NULL, 0);
}

void api_instance_delete(struct call *c)
{
        struct fake *f = c->fake;
        struct instance *i = call_instance(c);
        struct operation *op;
        bool running, force;
        char value[8];

        if (!i)
                return;
        running = i->status != INSTANCE_STOPPED &&
                  !faults_on_instance(&f->faults, FAULT_MONITOR_STUCK, i->name);
        force = f->dialect->force_delete &&
                http_query(c->conn->request.query, "force", value, sizeof(value)) == 0;
        if (running && !force) {
                call_error(c, 400, "Instance is running");
                return;
        }
        op = operation_new(&f->operations, OP_DELETE, i->lock ? NULL : i, c->project, i->name);
        if (!op) {
                call_error(c, 500, "Too many operations");
        } else if (i->lock != op) {
                char text[100];

                snprintf(text, sizeof(text), "Instance is busy running a \"%s\" operation",
                         op_infos[i->lock->kind].name);
                operation_start_failing(op, &f->operations, text);
                call_operation(c, op);
        } else {
                operation_start(op, &f->operations, 0);
                call_operation(c, op);
        }
}
