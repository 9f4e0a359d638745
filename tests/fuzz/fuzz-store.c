/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A store somebody hands us: run.db, with bytes changed by the input (four of a place, one of a
 * count, then the bytes), opened to read and summed up. Or, if the input begins with '=', with
 * what stands behind it carried out as SQL on a good one: values no program of ours writes.
 * Damage may be an error, but never more than that.
 */

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>

#include "base/text.h"
#include "report/summary.h"
#include "tests/fuzz/fuzz.h"

static uint8_t *good;
static size_t good_size;

static void put_sample(struct store *s, uint64_t seq, int64_t unit, int phase, int result)
{
        struct record r = {
                .kind = RECORD_SAMPLE, .seq = seq, .unit = unit, .attempt = 1, .lease = 1};
        struct error err = ERROR_INIT;

        r.sample.phase = phase;
        r.sample.result = result;
        r.sample.duration_ns = 1000000 * unit;
        r.sample.start_realtime_ns = INT64_C(1751371200000000000) + unit;
        require(store_put_record(s, 0, &r, true, NULL, &err) == 1);
}

/* A run of two units on one host. */
static void fill(struct store *s)
{
        struct run_spec spec = {.run = "abcd2345",
                                .prefix = "soak",
                                .image = "soak",
                                .phases = PHASES_ALL,
                                .total = 2,
                                .parallel = 1,
                                .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                .probe_timeout_ns = NSEC_PER_SEC};
        struct msg_welcome welcome = {.proto = 1, .agent_id = "a", .incarnation = "i"};
        struct error err = ERROR_INIT;
        uint64_t seq = 0;
        size_t host;

        require(store_start_run(s, &spec, 0, INT64_C(1751371200000000000), &err) == 0);
        require(store_add_host(s, "h", &host, &err) == 0);
        require(store_set_agent(s, host, &welcome, &err) == 0);
        for (int64_t unit = 1; unit <= 2; unit++) {
                struct record r = {.kind = RECORD_OUTCOME, .unit = unit, .attempt = 1, .lease = 1};

                for (int phase = 0; phase < PHASE_MAX_; phase++)
                        put_sample(s, ++seq, unit, phase, 0);
                r.seq = ++seq;
                r.outcome.outcome = OUTCOME_PASSED;
                require(store_put_record(s, host, &r, true, NULL, &err) == 1);
        }
        require(store_set_host_state(s, host, STORE_HOST_FINISHED, NULL, &err) == 0);
        require(store_end_run(s, INT64_C(1751371300000000000), 1000000000, &err) == 0);
}

static void begin(void)
{
        char dir[] = "/tmp/fuzz-store-XXXXXX", path[64];
        struct error err = ERROR_INIT;
        struct store *s = NULL;
        FILE *f;

        require(mkdtemp(dir));
        require(store_create(dir, &s, &err) == 0);
        fill(s);
        require(sqlite3_exec(store_db(s), "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) ==
                0);
        store_free(s);
        snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
        f = fopen(path, "re");
        require(f && fseek(f, 0, SEEK_END) == 0);
        good_size = (size_t)ftell(f);
        good = malloc(good_size);
        rewind(f);
        require(good && fread(good, 1, good_size, f) == good_size);
        fclose(f);
        unlink(path);
        rmdir(dir);
}

static void change(uint8_t *copy, const uint8_t *data, size_t size)
{
        while (size >= 6) {
                size_t at = ((size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 |
                             data[3]) %
                            good_size;
                size_t n = MIN((size_t)data[4] % 16 + 1, size - 5);

                n = MIN(n, good_size - at);
                memcpy(copy + at, data + 5, n);
                data += 5 + n;
                size -= 5 + n;
        }
}

static int no_endless_statements(void *userdata)
{
        return ++*(int *)userdata > 200;
}

static void carry_out(const char *path, const uint8_t *data, size_t size)
{
        char *sql = fuzz_string(data, size);
        sqlite3 *db = NULL;
        int turns = 0;

        /* only what changes values: not files, not the schema */
        if (!strcasestr(sql, "attach") && !strcasestr(sql, "vacuum") &&
            !strcasestr(sql, "pragma") &&
            sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
                sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
                sqlite3_progress_handler(db, 1000, no_endless_statements, &turns);
                sqlite3_exec(db, "PRAGMA journal_mode=MEMORY", NULL, NULL, NULL);
                sqlite3_exec(db, sql, NULL, NULL, NULL);
        }
        sqlite3_close(db);
        free(sql);
}

static void sum_up(const char *path)
{
        struct error err = ERROR_INIT;
        struct summary *summary = NULL;
        struct store *s = NULL;
        int r = store_open(path, true, &s, &err);

        require_error(r, err);
        if (r < 0)
                return;
        r = summary_new(s, &summary, &err);
        require_error(r, err);
        if (r == 0) {
                json_object *o = summary_to_json(summary);
                FILE *out = fopen("/dev/null", "we");
                const char *text;

                require(o && out);
                text = json_object_to_json_string(o);
                require(utf8_valid(text, strlen(text)));
                summary_print(summary, &(struct summary_style){0}, out);
                fclose(out);
                json_object_put(o);
        }
        summary_free(summary);
        store_free(s);
}

/* With what SQLite has put beside it. */
static void take_away(const char *path)
{
        static const char *const behind[] = {"", "-wal", "-shm", "-journal"};
        char name[96];

        for (size_t i = 0; i < ELEMENTSOF(behind); i++) {
                snprintf(name, sizeof(name), "%s%s", path, behind[i]);
                unlink(name);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        bool sql = size > 0 && data[0] == '=';
        char path[64];
        uint8_t *copy;
        int fd;

        if (!good)
                begin();
        copy = malloc(good_size);
        require(copy);
        memcpy(copy, good, good_size);
        if (!sql)
                change(copy, data, size);
        snprintf(path, sizeof(path), "/dev/shm/fuzz-store-%d.db", (int)getpid());
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        require(fd >= 0 && write(fd, copy, good_size) == (ssize_t)good_size);
        close(fd);
        if (sql)
                carry_out(path, data + 1, size - 1);
        sum_up(path);
        take_away(path);
        free(copy);
        return 0;
}
