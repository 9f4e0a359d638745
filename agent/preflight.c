/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See preflight.h. A chain of requests; each answer sends the next. */

#include "agent/preflight.h"

#include "base/clock.h"

#define REQUEST_NS  (30 * NSEC_PER_SEC)
#define TEMPLATE_NS (600 * NSEC_PER_SEC)

struct preflight {
        struct lxd *lxd;
        const struct run_spec *spec;
        const char *agent_id;
        preflight_handler handler;
        void *userdata;
        struct lxd_call *call;
        struct source_info source;
        char server[65];
};

static void preflight_free(struct preflight *p)
{
        json_object_put(p->source.profiles);
        free(p);
}

static void finish(struct preflight *p, bool ok, int refuse, const char *text)
{
        struct preflight_answer answer = {ok, refuse, text, p->server, &p->source};

        p->handler(&answer, p->userdata);
        preflight_free(p);
}

static void refuse(struct preflight *p, int code, const char *format, ...) _printf_(3, 4);
static void refuse(struct preflight *p, int code, const char *format, ...)
{
        char text[ERROR_TEXT_MAX];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        finish(p, false, code, text);
}

static void ask(struct preflight *p, const char *method, json_object *body, int64_t deadline_ns,
                lxd_handler handler, const char *format, ...) _printf_(6, 7);
static void ask(struct preflight *p, const char *method, json_object *body, int64_t deadline_ns,
                lxd_handler handler, const char *format, ...)
{
        char path[1024];
        va_list ap;
        int r;

        va_start(ap, format);
        r = vsnprintf(path, sizeof(path), format, ap);
        va_end(ap);
        if (r < 0 || (size_t)r >= sizeof(path))
                r = -ENAMETOOLONG;
        else
                r = lxd_request(p->lxd, method, path, body, deadline_ns, handler, p, &p->call);
        json_object_put(body);
        if (r < 0)
                refuse(p, REFUSE_LXD, "LXD could not be asked: %s", strerror(-r));
}

static const char *get_string(json_object *o, const char *key)
{
        json_object *v;

        if (!o || !json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, key, &v))
                return "";
        return json_object_get_string(v) ?: "";
}

/* An answer that is neither yes nor "not there" ends it. */
static bool usable(struct preflight *p, const struct lxd_answer *a, const char *what)
{
        p->call = NULL;
        if (a->status == LXD_OK || (a->status == LXD_ERROR && a->code == 404))
                return true;
        refuse(p, REFUSE_LXD, "LXD (%s), asked for %s: %s", lxd_socket_path(p->lxd), what, a->text);
        return false;
}

/* ---- the template of a copy ---- */

static void on_template_made(const struct lxd_answer *a, void *userdata)
{
        struct preflight *p = userdata;

        p->call = NULL;
        if (a->status == LXD_OK)
                finish(p, true, 0, "");
        else
                refuse(p, REFUSE_LXD, "the template instance %s could not be made: %s",
                       p->source.template_name, a->text);
}

static void on_own_template(const struct lxd_answer *a, void *userdata)
{
        struct preflight *p = userdata;
        char name[NAME_SIZE];

        if (!usable(p, a, "the template"))
                return;
        template_instance_name(p->spec, name);
        if (a->status == LXD_OK) {
                if (instance_seen(a->metadata, p->spec->run, "template", NULL, 0) !=
                    UNIT_SEEN_STOPPED)
                        refuse(p, REFUSE_IMAGE,
                               "there is an instance %s that is not this run's stopped template: "
                               "remove it",
                               name);
                else
                        finish(p, true, 0, ""); /* an earlier preflight of the run made it */
                return;
        }
        ask(p, "POST", create_body(p->spec, &p->source, name, "template", p->agent_id, true),
            TEMPLATE_NS, on_template_made, "/1.0/instances");
}

static void make_template(struct preflight *p)
{
        template_instance_name(p->spec, p->source.template_name);
        p->source.profiles = json_object_new_array();
        json_object_array_add(p->source.profiles, json_object_new_string("default"));
        ask(p, "GET", NULL, REQUEST_NS, on_own_template, "/1.0/instances/%s",
            p->source.template_name);
}

static void on_named_template(const struct lxd_answer *a, void *userdata)
{
        struct preflight *p = userdata;
        json_object *profiles;

        if (!usable(p, a, "the instance to copy"))
                return;
        if (a->status != LXD_OK) {
                refuse(p, REFUSE_IMAGE,
                       "there is no instance %s to copy: make it, or leave the name away and it "
                       "is made from --image",
                       p->spec->template_name);
        } else if (!streq(get_string(a->metadata, "status"), "Stopped")) {
                refuse(p, REFUSE_IMAGE, "the instance to copy, %s, is %s: stop it first",
                       p->spec->template_name, get_string(a->metadata, "status"));
        } else {
                snprintf(p->source.template_name, sizeof(p->source.template_name), "%s",
                         p->spec->template_name);
                if (json_object_object_get_ex(a->metadata, "profiles", &profiles))
                        p->source.profiles = json_object_get(profiles);
                finish(p, true, 0, "");
        }
}

/* ---- the image ---- */

static void have_image(struct preflight *p, const char *fingerprint)
{
        snprintf(p->source.fingerprint, sizeof(p->source.fingerprint), "%s", fingerprint);
        if (p->spec->source == SOURCE_COPY)
                make_template(p);
        else
                finish(p, true, 0, "");
}

static void on_image(const struct lxd_answer *a, void *userdata)
{
        struct preflight *p = userdata;

        if (!usable(p, a, "the image"))
                return;
        if (a->status == LXD_OK)
                have_image(p, get_string(a->metadata, "fingerprint"));
        else
                refuse(p, REFUSE_IMAGE,
                       "there is no image with the alias or fingerprint %s: see `lxc image list`, "
                       "import one, or name another with --image",
                       p->spec->image);
}

static void ask_fingerprint(struct preflight *p)
{
        const char *image = p->spec->image;
        size_t n = strlen(image);

        if (strspn(image, "0123456789abcdef") == n && n >= 6)
                ask(p, "GET", NULL, REQUEST_NS, on_image, "/1.0/images/%s", image);
        else
                on_image(&(struct lxd_answer){LXD_ERROR, 404, "", NULL}, p);
}

static void on_alias(const struct lxd_answer *a, void *userdata)
{
        struct preflight *p = userdata;

        if (!usable(p, a, "the image alias"))
                return;
        if (a->status == LXD_OK)
                have_image(p, get_string(a->metadata, "target"));
        else
                ask_fingerprint(p);
}

static void on_server(const struct lxd_answer *a, void *userdata)
{
        struct preflight *p = userdata;
        _cleanup_(freep)
        char *image = NULL;
        json_object *environment = NULL;

        p->call = NULL;
        if (a->status != LXD_OK) {
                refuse(p, REFUSE_LXD, "LXD does not answer: %s", a->text);
                return;
        }
        json_object_object_get_ex(a->metadata, "environment", &environment);
        snprintf(p->server, sizeof(p->server), "%.20s %.40s", get_string(environment, "server"),
                 get_string(environment, "server_version"));
        if (streq(get_string(a->metadata, "auth"), "untrusted")) {
                refuse(p, REFUSE_LXD,
                       "LXD does not trust this agent: its user must be in the "
                       "group that owns %s",
                       lxd_socket_path(p->lxd));
                return;
        }
        if (p->spec->source == SOURCE_COPY && p->spec->template_name[0]) {
                ask(p, "GET", NULL, REQUEST_NS, on_named_template, "/1.0/instances/%s",
                    p->spec->template_name);
                return;
        }
        image = lxd_escape(p->spec->image);
        if (image)
                ask(p, "GET", NULL, REQUEST_NS, on_alias, "/1.0/images/aliases/%s", image);
        else
                refuse(p, REFUSE_LXD, "out of memory");
}

int preflight_start(struct lxd *lxd, const struct run_spec *spec, const char *agent_id,
                    preflight_handler handler, void *userdata, struct preflight **ret)
{
        struct preflight *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->lxd = lxd;
        p->spec = spec;
        p->agent_id = agent_id;
        p->handler = handler;
        p->userdata = userdata;
        r = lxd_request(lxd, "GET", "/1.0", NULL, REQUEST_NS, on_server, p, &p->call);
        if (r < 0) {
                preflight_free(p);
                return r;
        }
        if (ret)
                *ret = p;
        return 0;
}

void preflight_cancel(struct preflight *p)
{
        if (p->call)
                lxd_cancel(p->call);
        preflight_free(p);
}
