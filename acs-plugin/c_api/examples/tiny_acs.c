/* A whole ACS around libsluice_acs, with devices and a store of its own, all in one process: twelve
 * gateways on three sites go from 4.2.0 to 4.2.1, and half-way the ACS dies and starts from its
 * rows. What stands here for TR-069 are the four calls in session(): a CWMP server makes them when
 * the Inform, the TransferComplete, the empty POST and the DownloadResponse come.
 *
 *     cc -std=c99 tiny_acs.c $(pkg-config --cflags --libs sluice_acs) -o tiny_acs
 *     ./tiny_acs gw3-4.2.1.manifest.json
 */
#include <inttypes.h>
#include <sluice/acs_planner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 12, SITES = 3, MAX_ROWS = 256, ROUNDS = 60 };

static void die_of(const char* what, int status, const char* error) {
    fprintf(stderr, "%s: %s: %s\n", what, sluice_status_name(status), error ? error : "");
    exit(1);
}

/* Every call gives a code and, if wanted, a text. Here none may fail. */
#define MUST(call)                                             \
    do {                                                       \
        char* error = NULL;                                    \
        const int status = (call);                             \
        if (status != SLUICE_OK) die_of(#call, status, error); \
    } while (0)

/* --- a store: what a database's table (kind, key) → (device, json) would be --------------------
 */

typedef struct kept_row {
    char *kind, *key, *device, *json;
} kept_row;

typedef struct store {
    kept_row rows[MAX_ROWS];
    size_t count, events;
} store;

static char* copy_of(const char* text) {
    char* out = malloc(strlen(text) + 1);
    if (out == NULL) abort();
    return strcpy(out, text);
}

static void set(char** field, const char* text) {
    free(*field);
    *field = copy_of(text);
}

/* A real one does all of these in one transaction and commits it before it returns. */
static int persist(void* context, const sluice_row* const* rows, size_t count) {
    store* to = context;
    for (size_t i = 0; i < count; ++i) {
        size_t at = 0;
        if (strcmp(rows[i]->kind, "event") == 0) {
            ++to->events;
            continue;
        }
        if (strcmp(rows[i]->kind, "gone") == 0) return 1; /* nobody is erased in this example */
        while (at < to->count && (strcmp(to->rows[at].kind, rows[i]->kind) != 0 ||
                                  strcmp(to->rows[at].key, rows[i]->key) != 0))
            ++at;
        if (at == MAX_ROWS) return 1;
        if (at == to->count) ++to->count;
        set(&to->rows[at].kind, rows[i]->kind);
        set(&to->rows[at].key, rows[i]->key);
        set(&to->rows[at].device, rows[i]->device);
        set(&to->rows[at].json, rows[i]->json);
    }
    return 0;
}

static sluice_planner* planner_of(store* from) {
    sluice_options options = SLUICE_INIT(sluice_options);
    sluice_planner* planner = NULL;
    options.abi_version = SLUICE_ABI_VERSION;
    options.context = from;
    options.persist = persist;
    options.origin_url = "http://198.51.100.7:7548";
    MUST(sluice_planner_create(&options, &planner, &error));
    for (size_t i = 0; i < from->count; ++i) {
        sluice_row row = SLUICE_INIT(sluice_row);
        const sluice_row* one = &row;
        row.kind = from->rows[i].kind;
        row.key = from->rows[i].key;
        row.json = from->rows[i].json;
        row.json_size = strlen(row.json);
        MUST(sluice_planner_restore_rows(planner, &one, 1, &error));
    }
    MUST(sluice_planner_restore_end(planner, &error));
    return planner;
}

/* --- the devices ------------------------------------------------------------------------------ */

typedef struct device {
    int number;
    const char* version;
    int32_t transfer;     /* kind of the order it is busy with */
    char command_key[40]; /* and its key */
    int has_transfer, is_boot, downloads;
} device;

static void report_of(const device* d, char* out, size_t size) {
    snprintf(out, size,
             "{\"manufacturer\":\"ACME\",\"oui\":\"00D09E\",\"product_class\":\"GW3\","
             "\"serial\":\"%04d\",\"hardware_version\":\"A\",\"software_version\":\"%s\","
             "\"kind\":\"agent\",\"protocols\":[\"http/1\"],\"site\":\"home-%d\","
             "\"file_server\":\"http://192.168.0.%d:7547\",\"cache_bytes\":67108864,"
             "\"uplink_bps\":1000000000,\"downlink_bps\":1000000000,"
             "\"cpu_percent\":%d,\"is_boot\":%s}",
             d->number, d->version, d->number % SITES, d->number + 1, d->number,
             d->is_boot ? "true" : "false");
}

/* What the device does between two sessions: it fetches; an upgrade it also installs. */
static void work(device* d) {
    if (!d->has_transfer) return;
    ++d->downloads;
    if (d->transfer == SLUICE_ORDER_STAGE) return;
    d->version = "4.2.1";
    d->is_boot = 1;
}

/* Inform; TransferComplete if there is one; then orders until there are none. */
static void session(sluice_planner* planner, device* d, int64_t now) {
    char report[768];
    char* identity = NULL;
    sluice_order order = SLUICE_INIT(sluice_order);
    report_of(d, report, sizeof(report));
    MUST(sluice_planner_contact(planner, report, now, &identity, &error));
    if (d->has_transfer) {
        sluice_transfer transfer = SLUICE_INIT(sluice_transfer);
        transfer.command_key = d->command_key;
        MUST(sluice_planner_transfer_complete(planner, identity, &transfer, now, &error));
        d->has_transfer = d->is_boot = 0;
    }
    for (;;) {
        sluice_answer answer = SLUICE_INIT(sluice_answer);
        int stands = 0;
        MUST(sluice_planner_next_order(planner, identity, now, &order, &error));
        if (order.kind == SLUICE_ORDER_NONE) break;
        /* An ACS that kept it waiting asks once more before it leaves. */
        MUST(sluice_planner_order_stands(planner, identity, order.kind, order.command_key, &stands,
                                         &error));
        if (!stands) break;
        printf("%s: %s %s from %s\n", identity,
               order.kind == SLUICE_ORDER_STAGE ? "stage" : "upgrade", order.command_key,
               order.url);
        /* Here the Download goes out; the device takes it, "Status 1". */
        d->has_transfer = 1;
        d->transfer = order.kind;
        snprintf(d->command_key, sizeof(d->command_key), "%s", order.command_key);
        answer.command_key = d->command_key;
        MUST(sluice_planner_order_answer(planner, identity, &answer, now, &error));
    }
    sluice_free(identity);
}

/* --- the rollout ------------------------------------------------------------------------------ */

static char* read_whole(const char* path) {
    char* out = calloc(1, 65537);
    FILE* file = fopen(path, "rb");
    if (out == NULL || file == NULL) {
        perror(path);
        exit(1);
    }
    if (fread(out, 1, 65536, file) == 0) exit(1);
    fclose(file);
    return out;
}

/* {"manifest": "<the file>"}: as JSON in JSON. */
static char* announcement_of(const char* manifest) {
    char* out = malloc(2 * strlen(manifest) + 32);
    char* at = out;
    if (out == NULL) abort();
    at += sprintf(at, "{\"manifest\":\"");
    for (; *manifest != '\0'; ++manifest) {
        if (*manifest == '\n') {
            at += sprintf(at, "\\n");
            continue;
        }
        if (*manifest == '"' || *manifest == '\\') *at++ = '\\';
        *at++ = *manifest;
    }
    strcpy(at, "\"}");
    return out;
}

static int is_finished(sluice_planner* planner, const char* rollout) {
    char what[96];
    char* json = NULL;
    int out = 0;
    snprintf(what, sizeof(what), "rollouts/%s", rollout);
    MUST(sluice_planner_view(planner, what, NULL, 1, &json, &error));
    out = strstr(json, "\"state\":\"finished\"") != NULL;
    sluice_free(json);
    return out;
}

int main(int argc, char** argv) {
    static store kept;
    static device devices[DEVICES];
    char spec[256];
    char *manifest = NULL, *announcement = NULL, *image = NULL, *rollout = NULL;
    int64_t now = INT64_C(1780000000000); /* a real ACS asks its clock */
    sluice_planner* planner = planner_of(&kept);
    int round = 0, updated = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: %s MANIFEST\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < DEVICES; ++i) {
        devices[i].number = i + 1;
        devices[i].version = "4.2.0";
        session(planner, &devices[i], now);
    }
    manifest = read_whole(argv[1]);
    announcement = announcement_of(manifest);
    MUST(sluice_planner_publish(planner, announcement, "example", now, &image, &error));
    snprintf(spec, sizeof(spec), "{\"name\":\"example\",\"image\":\"%s\"}", image);
    MUST(sluice_planner_start_rollout(planner, spec, "example", now, &rollout, &error));

    for (round = 0; round < ROUNDS && !is_finished(planner, rollout); ++round) {
        now += 60000;
        if (round == 3) { /* the ACS dies; its rows are all that is left */
            sluice_planner_destroy(planner);
            planner = planner_of(&kept);
        }
        MUST(sluice_planner_on_time(planner, now, &error));
        for (int i = 0; i < DEVICES; ++i) {
            work(&devices[i]);
            session(planner, &devices[i], now);
        }
    }
    for (int i = 0; i < DEVICES; ++i)
        if (strcmp(devices[i].version, "4.2.1") == 0) ++updated;
    printf("rollout %s: %d of %d devices updated after %d rounds, %zu rows, %zu events\n", rollout,
           updated, DEVICES, round, kept.count, kept.events);
    sluice_planner_destroy(planner);
    sluice_free(image);
    sluice_free(rollout);
    free(manifest);
    free(announcement);
    for (size_t i = 0; i < kept.count; ++i) {
        free(kept.rows[i].kind);
        free(kept.rows[i].key);
        free(kept.rows[i].device);
        free(kept.rows[i].json);
    }
    return updated == DEVICES && round < ROUNDS ? 0 : 1;
}
