/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Running lxdsoak-coord for its tests; see coord-harness.h. */

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "tests/unit/coord-harness.h"

void harness_begin(struct harness *h)
{
        *h = (struct harness){0};
        snprintf(h->dir, sizeof(h->dir), "/tmp/lxdsoak-test-XXXXXX");
        assert_non_null(mkdtemp(h->dir));
}

void harness_end(struct harness *h)
{
        char command[128];

        for (size_t i = 0; i < HARNESS_AGENTS; i++)
                fake_agent_end(h->agents[i]);
        snprintf(command, sizeof(command), "rm -rf '%s'", h->dir);
        assert_int_equal(system(command), 0);
        free(h->out);
        free(h->err);
        json_object_put(h->json);
}

#define AWAIT_S 60 /* only guards against hanging */

/* In a loop that waits; false: it was long enough. */
static bool wait_more(int *pauses)
{
        usleep(20000);
        return ++*pauses < AWAIT_S * 50;
}

/* It is a process of its own, and may be slow in coming. */
static void await_socket(const char *endpoint)
{
        int pauses = 0;

        if (!startswith(endpoint, "ipc://"))
                return;
        while (access(endpoint + strlen("ipc://"), F_OK) < 0)
                assert_true(wait_more(&pauses));
}

size_t harness_agent(struct harness *h, struct fake_agent config)
{
        size_t i = 0, n = strlen(h->hosts);
        char *endpoint;

        while (h->agents[i])
                assert_true(++i < HARNESS_AGENTS);
        if (!config.endpoint) {
                assert_true(asprintf(&endpoint, "ipc://%s/%c.sock", h->dir, (int)('a' + i)) > 0);
                strcpy(h->endpoints[i], endpoint);
                free(endpoint);
                config.endpoint = h->endpoints[i];
        }
        if (!config.agent_id) {
                snprintf(h->ids[i], sizeof(h->ids[i]), "%032zx", i + 1);
                config.agent_id = h->ids[i];
        }
        h->agents[i] = fake_agent_start(&config);
        assert_true(h->agents[i] > 0);
        await_socket(config.endpoint);
        snprintf(h->hosts + n, sizeof(h->hosts) - n, "%s%s", n ? "," : "",
                 startswith(config.endpoint, "tcp://") ? config.endpoint + 6 : config.endpoint);
        return i;
}

static char *read_file(const char *dir, const char *name)
{
        char path[128];
        char *text = calloc(1, 1 << 20);
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "r");
        if (f && text) {
                (void)!fread(text, 1, (1 << 20) - 1, f);
                fclose(f);
        }
        return text;
}

static void exec_coord(const struct harness *h, const char *args)
{
        char *copy = strdup(args), *rest = copy, *argv[64] = {(char *)"lxdsoak-coord"}, *word;
        size_t n = 1;

        while ((word = strsep(&rest, " ")) && n < ELEMENTSOF(argv) - 1)
                argv[n++] = streq(word, "HOSTS") ? (char *)h->hosts : word;
        if (chdir(h->dir) < 0 ||
            dup2(open("stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO) < 0 ||
            dup2(open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO) < 0)
                _exit(126);
        setenv("HOME", h->dir, 1);
        unsetenv("XDG_CONFIG_HOME");
        unsetenv("JOURNAL_STREAM");
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(COORD_PROGRAM, argv);
        _exit(127);
}

void harness_start(struct harness *h, const char *args)
{
        free(h->out);
        free(h->err);
        json_object_put(h->json);
        h->out = h->err = NULL;
        h->json = NULL;
        h->took_ms = now_monotonic_ns() / NSEC_PER_MSEC;
        h->coord = fork();
        assert_true(h->coord >= 0);
        if (h->coord == 0)
                exec_coord(h, args);
}

void harness_wait(struct harness *h, int limit_s)
{
        int status = 0;

        for (int i = 0; i < limit_s * 100; i++) {
                if (waitpid(h->coord, &status, WNOHANG) == h->coord) {
                        h->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
                        h->coord = 0;
                        break;
                }
                usleep(10000);
        }
        if (h->coord) {
                kill(h->coord, SIGKILL);
                waitpid(h->coord, NULL, 0);
                h->coord = 0;
                h->code = -1;
        }
        h->took_ms = now_monotonic_ns() / NSEC_PER_MSEC - h->took_ms;
        h->out = read_file(h->dir, "stdout");
        h->err = read_file(h->dir, "stderr");
        h->json = h->out[0] == '{' ? json_tokener_parse(h->out) : NULL;
}

void harness_run(struct harness *h, const char *args, int limit_s)
{
        harness_start(h, args);
        harness_wait(h, limit_s);
}

int64_t harness_number(const struct harness *h, const char *path)
{
        char copy[128], *rest = copy, *word;
        json_object *o = h->json;

        if (!o)
                fail_msg("no JSON on stdout: «%s»\nstderr: %s", h->out, h->err);
        snprintf(copy, sizeof(copy), "%s", path);
        while ((word = strsep(&rest, "/")))
                if (!json_object_object_get_ex(o, word, &o))
                        fail_msg("no %s in %s", path, h->out);
        return json_object_is_type(o, json_type_array) ? (int64_t)json_object_array_length(o)
                                                       : json_object_get_int64(o);
}

/* false: not to be had, or not yet, and why. */
static bool query(const struct harness *h, const char *sql, int64_t *ret, char why[static 200])
{
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = NULL;
        char path[128];
        bool ok;

        snprintf(path, sizeof(path), "%s/run/run.db", h->dir);
        ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
             sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
             sqlite3_step(statement) == SQLITE_ROW;
        if (ok)
                *ret = sqlite3_column_int64(statement, 0);
        snprintf(why, 200, "%s", sqlite3_errmsg(db));
        sqlite3_finalize(statement);
        sqlite3_close(db);
        return ok;
}

int64_t harness_query(const struct harness *h, const char *sql)
{
        char why[200];
        int64_t value;

        if (!query(h, sql, &value, why))
                fail_msg("%s: %s", sql, why);
        return value;
}

void harness_await(const struct harness *h, const char *sql, int64_t wanted)
{
        int64_t value = 0;
        char why[200];
        int pauses = 0;

        while (!query(h, sql, &value, why) || value < wanted)
                if (!wait_more(&pauses))
                        fail_msg("%s: still %lld after %d s: %s", sql, (long long)value, AWAIT_S,
                                 why);
}

void harness_await_said(const struct harness *h, const char *text)
{
        for (int pauses = 0;;) {
                _cleanup_(freep)
                char *said = read_file(h->dir, "stderr");

                if (strstr(said, text))
                        return;
                if (!wait_more(&pauses))
                        fail_msg("«%s» is not said after %d s", text, AWAIT_S);
        }
}
