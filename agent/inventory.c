/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The agent's end of its helper; see inventory.h. One batch of questions is under
 * way at a time, with a time limit; the questions that come meanwhile make the next.
 * A helper that goes away in the middle is asked again, ATTEMPTS_MAX times in all.
 * It never looks at the host itself and never waits.
 */

#include "agent/helper-ask.h"
#include "agent/inventory.h"

#include <json-c/json.h>
#include <sys/queue.h>

#include "agent/helper-wire.h"
#include "agent/inventory-link.h"
#include "agent/scan.h"
#include "base/clock.h"
#include "base/json-text.h"

#define TIME_LIMIT_NS (20 * NSEC_PER_SEC)
#define RETRY_NS      (200 * NSEC_PER_MSEC)
#define ATTEMPTS_MAX  3
#define ITEMS_MAX     (SCAN_TARGETS_MAX * SCAN_ITEMS_PER_TARGET)
/* What one target may add to a request, commas and quotes included. */
#define VETHS_SIZE  256
#define TARGET_SIZE (NAME_SIZE + SCAN_PROJECT_MAX + VETHS_SIZE + 48)

struct inventory_query {
        TAILQ_ENTRY(inventory_query) entry;
        struct query_list *list; /* which it is in */
        inventory_handler handler;
        void *userdata;
        unsigned target; /* index in the batch */
        char project[SCAN_PROJECT_MAX + 1];
        char instance[NAME_SIZE];
        char veths[VETHS_SIZE];
};

TAILQ_HEAD(query_list, inventory_query);

/* An item with the index of its target, until the batch is answered. */
struct found {
        unsigned target;
        struct inventory_item item;
};

struct inventory {
        sd_event *event;
        struct inventory_link *link;
        char *helper, *lxd_dir; /* helper may be NULL */
        int64_t time_limit_ns;

        struct query_list waiting, asked, answered;
        sd_event_source *start, *timer, *retry;
        int64_t id; /* of the batch under way */
        unsigned attempts;

        struct found *found;
        size_t n_found, n_allocated;
};

static void json_putp(json_object **o)
{
        json_object_put(*o);
}

static void query_move(struct inventory_query *q, struct query_list *to)
{
        if (q->list)
                TAILQ_REMOVE(q->list, q, entry);
        q->list = to;
        if (to)
                TAILQ_INSERT_TAIL(to, q, entry);
}

void inventory_cancel(struct inventory_query *q)
{
        query_move(q, NULL);
        free(q);
}

/* ---- answering ---- */

static int compare_found(const void *a, const void *b)
{
        const struct found *x = a, *y = b;

        return x->target < y->target ? -1 : x->target > y->target;
}

/* The items of one target; found is sorted. The array is the caller's to free. */
static size_t take_items(const struct found *found, size_t n, unsigned target,
                         struct inventory_item **ret)
{
        size_t begin = 0, end;
        struct inventory_item *items;

        while (begin < n && found[begin].target < target)
                begin++;
        for (end = begin; end < n && found[end].target == target; end++)
                ;
        items = end > begin ? calloc(end - begin, sizeof(*items)) : NULL;
        for (size_t i = begin; items && i < end; i++)
                items[i - begin] = found[i].item;
        *ret = items;
        return end - begin;
}

static void answer_one(struct inventory_query *q, const struct found *found, size_t n_found,
                       const struct inventory_answer *base)
{
        _cleanup_(freep)
        struct inventory_item *items = NULL;
        struct inventory_answer answer = *base;

        answer.n = take_items(found, n_found, q->target, &items);
        answer.items = items;
        if (answer.n > 0 && !items) {
                answer.n = 0;
                answer.error = -ENOMEM;
                answer.error_text = "out of memory";
        }
        query_move(q, NULL);
        q->handler(&answer, q->userdata);
        free(q);
}

static int schedule_start(struct inventory *inv)
{
        return sd_event_source_set_enabled(inv->start, SD_EVENT_ONESHOT);
}

/* Ends the batch. A handler may ask and cancel whatever it likes. */
static void finish(struct inventory *inv, const struct inventory_answer *base)
{
        _cleanup_(freep)
        struct found *found = TAKE(inv->found);
        size_t n_found = base->error ? 0 : inv->n_found;
        struct inventory_query *q;

        inv->n_found = inv->n_allocated = 0;
        sd_event_source_set_enabled(inv->timer, SD_EVENT_OFF);
        sd_event_source_set_enabled(inv->retry, SD_EVENT_OFF);
        if (n_found > 1)
                qsort(found, n_found, sizeof(*found), compare_found);
        while ((q = TAILQ_FIRST(&inv->asked)))
                query_move(q, &inv->answered);
        while ((q = TAILQ_FIRST(&inv->answered)))
                answer_one(q, found, n_found, base);
        if (!TAILQ_EMPTY(&inv->waiting))
                (void)schedule_start(inv);
}

static void finish_error(struct inventory *inv, int code, const char *text)
{
        struct inventory_answer answer = {.error = code, .error_text = text};

        finish(inv, &answer);
}

/* ---- asking ---- */

static bool in_batch(const struct inventory *inv, const struct inventory_query *q)
{
        const struct inventory_query *other;

        TAILQ_FOREACH(other, &inv->asked, entry)
        if (streq(other->instance, q->instance) && streq(other->project, q->project))
                return true;
        return false;
}

/* Takes into the batch what is waiting, as far as there is room. An instance asked
 * for twice waits for the next: the second question came after the first. */
static void fill_batch(struct inventory *inv)
{
        struct inventory_query *q = TAILQ_FIRST(&inv->waiting), *next;
        size_t room = (HELPER_MESSAGE_MAX - HELPER_LXD_DIR_MAX - 256) / TARGET_SIZE;
        unsigned n = 0;

        for (; q && n < MIN(room, (size_t)SCAN_TARGETS_MAX); q = next) {
                next = TAILQ_NEXT(q, entry);
                if (in_batch(inv, q))
                        continue;
                q->target = n++;
                query_move(q, &inv->asked);
        }
}

static json_object *make_target(const struct inventory_query *q)
{
        json_object *t = json_object_new_object();

        json_object_object_add(t, "instance", json_object_new_string(q->instance));
        json_object_object_add(t, "project", json_object_new_string(q->project));
        json_object_object_add(t, "veths", json_object_new_string(q->veths));
        return t;
}

static int send_batch(struct inventory *inv)
{
        _cleanup_(json_putp)
        json_object *request = json_object_new_object();
        json_object *targets = json_object_new_array();
        struct inventory_query *q;
        unsigned n = 0;
        size_t size;
        const char *text;

        TAILQ_FOREACH(q, &inv->asked, entry)
        {
                q->target = n++; /* some may have been cancelled between two attempts */
                json_object_array_add(targets, make_target(q));
        }
        inv->id++;
        json_object_object_add(request, "verb", json_object_new_string("inventory"));
        json_object_object_add(request, "id", json_object_new_int64(inv->id));
        json_object_object_add(request, "lxd_dir", json_object_new_string(inv->lxd_dir));
        json_object_object_add(request, "targets", targets);
        text = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &size);
        return inventory_link_send(inv->link, text, size);
}

/* The helper is gone or makes no sense: once more, or that was it. */
static void retry_or_fail(struct inventory *inv, int code, const char *text)
{
        if (TAILQ_EMPTY(&inv->asked))
                return;
        if (inv->attempts >= ATTEMPTS_MAX) {
                finish_error(inv, code, text);
                return;
        }
        sd_event_source_set_time_relative(inv->retry, (uint64_t)(RETRY_NS / NSEC_PER_USEC));
        sd_event_source_set_enabled(inv->retry, SD_EVENT_ONESHOT);
}

static void try_batch(struct inventory *inv)
{
        struct error err = ERROR_INIT;
        int r;

        inv->attempts++;
        inv->n_found = 0;
        r = inventory_link_open(inv->link, &err);
        if (r >= 0)
                r = send_batch(inv);
        if (r >= 0)
                return;
        inventory_link_close(inv->link);
        error_set_errno(&err, r, "lxdsoak-helper could not be asked");
        retry_or_fail(inv, r, err.text);
}

static int on_start(sd_event_source *source, void *userdata)
{
        struct inventory *inv = userdata;

        if (!TAILQ_EMPTY(&inv->asked) || !TAILQ_EMPTY(&inv->answered))
                return 0;
        fill_batch(inv);
        if (TAILQ_EMPTY(&inv->asked))
                return 0;
        inv->attempts = 0;
        sd_event_source_set_time_relative(inv->timer,
                                          (uint64_t)(inv->time_limit_ns / NSEC_PER_USEC));
        sd_event_source_set_enabled(inv->timer, SD_EVENT_ONESHOT);
        try_batch(inv);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct inventory *inv = userdata;

        if (!TAILQ_EMPTY(&inv->asked))
                try_batch(inv);
        return 0;
}

static int on_time_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct inventory *inv = userdata;

        inventory_link_close(inv->link);
        finish_error(inv, -ETIMEDOUT, "lxdsoak-helper gave no answer in time");
        return 0;
}

/* ---- hearing ---- */

static int add_item(struct inventory *inv, json_object *o)
{
        int kind = leftover_kind_from_name(json_text(o, "kind"));
        json_object *target;
        struct found *f;

        if (kind < 0 || !json_object_object_get_ex(o, "target", &target) ||
            inv->n_found == ITEMS_MAX)
                return -EBADMSG;
        if (inv->n_found == inv->n_allocated) {
                size_t n = MAX(inv->n_allocated * 2, 32U);
                struct found *found = reallocarray(inv->found, n, sizeof(*found));

                if (!found)
                        return -ENOMEM;
                inv->found = found;
                inv->n_allocated = n;
        }
        f = &inv->found[inv->n_found++];
        f->target = (unsigned)json_object_get_int(target);
        f->item.kind = (enum leftover_kind)kind;
        snprintf(f->item.name, sizeof(f->item.name), "%s", json_text(o, "name"));
        snprintf(f->item.detail, sizeof(f->item.detail), "%s", json_text(o, "detail"));
        snprintf(f->item.instance, sizeof(f->item.instance), "%s", json_text(o, "instance"));
        return 0;
}

static int add_items(struct inventory *inv, json_object *message)
{
        json_object *items;
        int r = 0;

        if (!json_object_object_get_ex(message, "items", &items))
                return 0;
        if (!json_object_is_type(items, json_type_array))
                return -EBADMSG;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(items); i++)
                r = add_item(inv, json_object_array_get_idx(items, i));
        return r;
}

static unsigned read_blind(json_object *message)
{
        json_object *blind;
        unsigned bits = 0;

        if (!json_object_object_get_ex(message, "blind", &blind) ||
            !json_object_is_type(blind, json_type_array))
                return 0;
        for (size_t i = 0; i < json_object_array_length(blind); i++) {
                const char *word = json_object_get_string(json_object_array_get_idx(blind, i));
                int kind = word ? leftover_kind_from_name(word) : -EINVAL;

                if (kind >= 0)
                        bits |= 1U << kind;
        }
        return bits;
}

/* One message of the helper's. Negative: it makes no sense. */
static int handle_message(struct inventory *inv, json_object *message)
{
        struct inventory_answer answer = {.error_text = ""};
        json_object *value;
        int64_t id;

        if (!json_object_is_type(message, json_type_object))
                return -EBADMSG;
        /* Without an id it is about us, not about a request: we are not served. */
        if (!json_object_object_get_ex(message, "id", &value))
                return -EPERM;
        id = json_object_get_int64(value);
        if (TAILQ_EMPTY(&inv->asked) || (id != inv->id && id != 0))
                return 0; /* about something that was given up */
        if (json_object_object_get_ex(message, "error", &value)) {
                answer.error_text = json_object_get_string(value);
                answer.error = -EIO;
                if (json_object_object_get_ex(message, "errno", &value) &&
                    json_object_get_int(value) > 0)
                        answer.error = -json_object_get_int(value);
                finish(inv, &answer);
                return 0;
        }
        if (json_object_object_get_ex(message, "more", &value) && json_object_get_boolean(value))
                return add_items(inv, message);
        answer.blind = read_blind(message);
        finish(inv, &answer);
        return 0;
}

static void on_message(const char *text, size_t size, void *userdata)
{
        _cleanup_(json_putp)
        json_object *message = NULL;
        struct inventory *inv = userdata;
        json_tokener *tokener;
        int r;

        tokener = json_tokener_new_ex(8);
        if (tokener) {
                message = json_tokener_parse_ex(tokener, text, (int)size);
                json_tokener_free(tokener);
        }
        r = handle_message(inv, message);
        if (r == -EPERM)
                inventory_link_refused(inv->link);
        if (r < 0) {
                inventory_link_close(inv->link);
                retry_or_fail(inv, -EBADMSG, "lxdsoak-helper's answer makes no sense");
        }
}

/* The helper is gone. */
static void on_closed(void *userdata)
{
        struct inventory *inv = userdata;

        retry_or_fail(inv, -ECONNRESET, "lxdsoak-helper ended without an answer");
}

/* ---- the object ---- */

static int add_sources(struct inventory *inv)
{
        int r;

        r = sd_event_add_defer(inv->event, &inv->start, on_start, inv);
        if (r >= 0)
                r = sd_event_source_set_enabled(inv->start, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(inv->event, &inv->timer, CLOCK_MONOTONIC, 0, 0,
                                               on_time_limit, inv);
        if (r >= 0)
                r = sd_event_source_set_enabled(inv->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(inv->event, &inv->retry, CLOCK_MONOTONIC, 0, 0,
                                               on_retry, inv);
        if (r >= 0)
                r = sd_event_source_set_enabled(inv->retry, SD_EVENT_OFF);
        return r;
}

int inventory_new(sd_event *event, const char *helper, const char *lxd_dir, struct inventory **ret)
{
        _cleanup_(inventory_freep)
        struct inventory *inv = NULL;
        int r;

        inv = calloc(1, sizeof(*inv));
        if (!inv)
                return -ENOMEM;
        TAILQ_INIT(&inv->waiting);
        TAILQ_INIT(&inv->asked);
        TAILQ_INIT(&inv->answered);
        inv->event = sd_event_ref(event);
        inv->time_limit_ns = TIME_LIMIT_NS;
        inv->lxd_dir = strdup(lxd_dir ? lxd_dir : "");
        inv->helper = helper ? strdup(helper) : NULL;
        if (!inv->lxd_dir || (helper && !inv->helper))
                return -ENOMEM;
        r = add_sources(inv);
        if (r >= 0)
                r = inventory_link_new(event, helper, on_message, on_closed, inv, &inv->link);
        if (r < 0)
                return r;
        *ret = TAKE(inv);
        return 0;
}

struct inventory *inventory_free(struct inventory *inv)
{
        struct query_list *lists[3];
        struct inventory_query *q;

        if (!inv)
                return NULL;
        lists[0] = &inv->waiting;
        lists[1] = &inv->asked;
        lists[2] = &inv->answered;
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                while ((q = TAILQ_FIRST(lists[i])))
                        inventory_cancel(q);
        inventory_link_free(inv->link);
        sd_event_source_disable_unref(inv->start);
        sd_event_source_disable_unref(inv->timer);
        sd_event_source_disable_unref(inv->retry);
        sd_event_unref(inv->event);
        free(inv->found);
        free(inv->helper);
        free(inv->lxd_dir);
        free(inv);
        return NULL;
}

void inventory_set_time_limit(struct inventory *inv, int64_t limit_ns)
{
        inv->time_limit_ns = limit_ns;
}

static int copy_text(char *buf, size_t size, const char *text)
{
        if (!text)
                text = "";
        return (size_t)snprintf(buf, size, "%s", text) >= size ? -ENAMETOOLONG : 0;
}

int inventory_ask(struct inventory *inv, const char *project, const char *instance,
                  const char *veths, inventory_handler handler, void *userdata,
                  struct inventory_query **ret)
{
        _cleanup_(freep)
        struct inventory_query *q = NULL;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->handler = handler;
        q->userdata = userdata;
        r = copy_text(q->project, sizeof(q->project), project);
        if (r >= 0)
                r = copy_text(q->instance, sizeof(q->instance), instance);
        if (r >= 0)
                r = copy_text(q->veths, sizeof(q->veths), veths);
        if (r >= 0)
                r = schedule_start(inv);
        if (r < 0)
                return r;
        query_move(q, &inv->waiting);
        if (ret)
                *ret = q;
        q = NULL;
        return 0;
}

int inventory_remove(struct inventory *inv, const struct removal_target *target,
                     enum leftover_kind kind, inventory_remove_handler handler, void *userdata,
                     struct inventory_removal **ret)
{
        return inventory_remove_with(inv->event, inv->helper, inv->lxd_dir, 2 * inv->time_limit_ns,
                                     target, kind, handler, userdata, ret);
}

int helper_ask(struct inventory *inv, json_object *request, int64_t limit_ns,
               helper_handler handler, void *userdata, struct helper_call **ret)
{
        return helper_ask_with(inv->event, inv->helper, request, limit_ns, handler, userdata, ret);
}

int inventory_names(struct inventory *inv, inventory_remove_handler handler, void *userdata,
                    struct inventory_removal **ret)
{
        return inventory_remove_with(inv->event, inv->helper, inv->lxd_dir, inv->time_limit_ns,
                                     NULL, 0, handler, userdata, ret);
}
