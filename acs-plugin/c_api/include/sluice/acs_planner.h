/* The planner of Sluice for an ACS of yours: reports of devices in, orders for them out. It opens
 * no socket, no file and no thread, and does not look at the clock: you carry its words to the
 * devices, keep its rows, and tell it the time. docs/PLANNER.md has the calls in their order.
 *
 * 1. Results. Every call that can fail returns an int: SLUICE_OK (0) or one of the codes below. Its
 *    last parameter `error` gets one line of text that names what is at fault; it may be NULL. The
 *    text is yours: sluice_free().
 * 2. Memory. What a function gives through a `char **` is yours and goes back to sluice_free().
 * What a struct points at is the library's, good until the next call with the same planner. What
 * you give is copied before the call returns. Texts are UTF-8 and end with a zero byte.
 * 3. Threads. A planner is used by one thread at a time: take a lock of yours around it. Different
 *    planners have nothing in common. Callbacks come on the calling thread, from inside the call,
 *    and must not call the planner.
 * 4. Time. `now_ms` is UTC in milliseconds since 1970, of one clock that does not jump back.
 * 5. Structs begin with their size: set it with SLUICE_INIT, or to sizeof. A library that is newer
 *    than your header leaves alone what is beyond your size, an older one refuses what it does not
 *    know with SLUICE_WRONG_VERSION. Fields are only ever added at the end.
 * 6. Versions. Within one SLUICE_ABI_VERSION functions, structs and JSON keys are added, never
 * taken away or changed. The JSON is that of the REST API (docs/openapi.yaml).
 * 7. Durability. Rows are given to your `persist` before the call that made them returns; put them
 *    onto the medium, all or none, before you let anything leave that follows from the call: an
 *    order, a TransferCompleteResponse. When persist fails the call fails, and so does every later
 *    one: memory would be ahead of the rows. Destroy the planner and restore a new one.
 */
#ifndef SLUICE_ACS_PLANNER_H
#define SLUICE_ACS_PLANNER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SLUICE_ACS_BUILDING) && defined(__GNUC__)
#define SLUICE_API __attribute__((visibility("default")))
#else
#define SLUICE_API
#endif

#define SLUICE_ABI_VERSION 1u

/* sluice_order order = SLUICE_INIT(sluice_order); */
#define SLUICE_INIT(type) \
    { .size = sizeof(type) }

typedef enum sluice_status {
    SLUICE_OK = 0,
    SLUICE_WRONG_ARGUMENT = 1, /* NULL where something must be, or out of bounds */
    SLUICE_WRONG_VERSION = 2,  /* a struct or an ABI version that this library does not know */
    SLUICE_WRONG_HANDLE = 3,   /* not a planner of this library, or one that is destroyed */
    SLUICE_REFUSED = 4,        /* the planner says no; the text says why */
    SLUICE_NOT_FOUND = 5,      /* no such device, rollout, image or token */
    SLUICE_OVER = 6,           /* a token whose rollout is over: answer 410 */
    SLUICE_NOT_KEPT = 7,       /* persist failed, now or before */
    SLUICE_INTERNAL = 8        /* out of memory, or a fault of ours */
} sluice_status;

typedef struct sluice_planner sluice_planner;

/* One row of what must be kept. `kind` and `key` together name it; a row of the same name replaces
 * the former. Keep `json` byte for byte: it holds secrets, and is read by this library alone.
 *   kind "event": a line of the log; append it, under a number of yours; `key` is empty. Never
 *                 given back.
 *   kind "gone":  delete every row whose `device` is `key`. Never given back. */
typedef struct sluice_row {
    size_t size;
    const char* kind;
    const char* key;
    const char* device; /* whose row it is; empty: no device's */
    const char* json;
    size_t json_size;
} sluice_row;

typedef struct sluice_options {
    size_t size;
    uint32_t abi_version; /* SLUICE_ABI_VERSION */
    void* context;        /* given to the callbacks */
    /* All of these rows, or none; 0: kept. Not called from sluice_planner_restore_*. */
    int (*persist)(void* context, const sluice_row* const* rows, size_t count);
    /* Fills the buffer with random bytes fit for keys; 0: done. NULL: the system's. */
    int (*random)(void* context, uint8_t* bytes, size_t count);
    const char* origin_url;      /* where devices reach the origin: "https://198.51.100.7:7548" */
    const char* origin_username; /* of Downloads from the origin; NULL: the token alone */
    const char* origin_password;
    const char* policy_json;  /* grouping, masters, planning; NULL: the defaults */
    const char* lan_prefixes; /* where a device's file server may be, "10.0.0.0/8,fc00::/7";
                                 NULL: private and link-local addresses */
    uint64_t origin_bps;      /* what a site may draw where a rollout does not say; 0: 100 Mbit/s */
} sluice_options;

typedef enum sluice_order_kind {
    SLUICE_ORDER_NONE = 0,  /* nothing: the session may end */
    SLUICE_ORDER_STAGE = 1, /* Download of FileType "X <OUI> Sluice Stage": keep, do not install */
    SLUICE_ORDER_UPGRADE = 2,   /* Download of "1 Firmware Upgrade Image" */
    SLUICE_ORDER_CONFIGURE = 3, /* Download of "3 Vendor Configuration File" */
    SLUICE_ORDER_CANCEL = 4     /* CancelTransfer; only command_key is set */
} sluice_order_kind;

/* What to tell a device. Texts are never NULL. */
typedef struct sluice_order {
    size_t size;
    int32_t kind; /* sluice_order_kind */
    uint32_t delay_seconds;
    uint64_t file_size;
    const char* command_key; /* at most 32 characters; give it back with what follows */
    const char* url;         /* empty in flow B */
    const char* path;        /* "p/<token>/<name>.bin" at the origin */
    const char* username;
    const char* password;
    const char* target_file_name;
    const char* assignment_url; /* where not empty: first set X_SLUICE_PeerDownload.AssignmentURL */
    const char* master_url;     /* and .MasterURL */
} sluice_order;

/* What a device said to an order. */
typedef struct sluice_answer {
    size_t size;
    const char* command_key;
    uint32_t fault;  /* it refused, with this CWMP fault; 0: it took the order */
    int32_t is_done; /* Status 0 of the DownloadResponse: no TransferComplete follows */
    const char* why; /* FaultString; may be NULL */
} sluice_answer;

/* A TransferComplete. Unknown and empty keys are taken for the last order. */
typedef struct sluice_transfer {
    size_t size;
    const char* command_key; /* may be NULL */
    uint32_t fault;          /* 0: downloaded and applied; of a stage order: verified and durable */
    const char* why;         /* may be NULL */
} sluice_transfer;

/* --- the library ------------------------------------------------------------------------------ */

SLUICE_API uint32_t sluice_abi_version(void);
SLUICE_API const char* sluice_version(void);
SLUICE_API const char* sluice_status_name(int status); /* "not found"; never NULL */
SLUICE_API void sluice_free(void* text);               /* NULL is fine */

/* --- a planner's life ------------------------------------------------------------------------- */

SLUICE_API int sluice_planner_create(const sluice_options* options, sluice_planner** out,
                                     char** error);
/* Once, first: every row that was kept, in any order and any portions; then the end. Also of a new,
 * empty store: restore_end with no rows. */
SLUICE_API int sluice_planner_restore_rows(sluice_planner* planner, const sluice_row* const* rows,
                                           size_t count, char** error);
SLUICE_API int sluice_planner_restore_end(sluice_planner* planner, char** error);
SLUICE_API void sluice_planner_destroy(sluice_planner* planner); /* NULL is fine */

/* --- a device's session ----------------------------------------------------------------------- */

/* `report_json`: the object `report` of POST /contacts. `*identity` names the device from now on.
 */
SLUICE_API int sluice_planner_contact(sluice_planner* planner, const char* report_json,
                                      int64_t now_ms, char** identity, char** error);
/* The same order until it is answered. */
SLUICE_API int sluice_planner_next_order(sluice_planner* planner, const char* identity,
                                         int64_t now_ms, sluice_order* out, char** error);
/* Whether an order that you hold may still leave: ask right before it does, if it waited meanwhile
 * (for your rows, for the device). `*stands` is 0 once its rollout halted, was paused or aborted,
 * or the device got another. `kind` and `command_key` as the order has them. */
SLUICE_API int sluice_planner_order_stands(sluice_planner* planner, const char* identity,
                                           int32_t kind, const char* command_key, int* stands,
                                           char** error);
SLUICE_API int sluice_planner_order_answer(sluice_planner* planner, const char* identity,
                                           const sluice_answer* answer, int64_t now_ms,
                                           char** error);
SLUICE_API int sluice_planner_transfer_complete(sluice_planner* planner, const char* identity,
                                                const sluice_transfer* transfer, int64_t now_ms,
                                                char** error);
/* All of these in one: the body of POST /contacts, and its answer. */
SLUICE_API int sluice_planner_exchange(sluice_planner* planner, const char* json, int64_t now_ms,
                                       char** answer_json, char** error);

/* --- time ------------------------------------------------------------------------------------- */

/* Limits that have passed. To be called at the deadline, or every second. */
SLUICE_API int sluice_planner_on_time(sluice_planner* planner, int64_t now_ms, char** error);
/* INT64_MAX: nothing is waited for. Changes with every call. */
SLUICE_API int sluice_planner_next_deadline(sluice_planner* planner, int64_t* at_ms, char** error);
/* Whom a connection request would be of use to:
 * {"calls": [{"identity", "url", "username", "password"}]}; each is named once until on_called or
 * its next contact. */
SLUICE_API int sluice_planner_to_call(sluice_planner* planner, int64_t now_ms, size_t at_most,
                                      char** json, char** error);
SLUICE_API int sluice_planner_on_called(sluice_planner* planner, const char* identity,
                                        int is_reached, int64_t now_ms, char** error);

/* --- an origin of your own -------------------------------------------------------------------- */

/* What the token of GET /p/<token>/<name> opens: {"rollout", "identity", "site", "image",
 * "is_plain_canary", "is_held", "max_origin_bps"}. SLUICE_NOT_FOUND: 404. SLUICE_OVER: 410.
 * is_held: the site's budget is spent, answer 503 with Retry-After. */
SLUICE_API int sluice_planner_grant(sluice_planner* planner, const char* token, char** json,
                                    char** error);
/* The device's Assignment, secrets and all: what the same GET gives for Accept:
 * application/vnd.sluice.assignment.v1+json. */
SLUICE_API int sluice_planner_assignment(sluice_planner* planner, const char* token, int64_t now_ms,
                                         char** json, char** error);
/* Payload that went out under a token. `*may_go_on` (may be NULL) is 0 when the site's budget is
 * spent by it: end the transfer. */
SLUICE_API int sluice_planner_payload(sluice_planner* planner, const char* token, uint64_t bytes,
                                      int is_new_request, int* may_go_on, char** error);

/* --- the operator ----------------------------------------------------------------------------- */
/* `who` goes into the log's events; NULL: "operator". */

/* {"manifest": "<DSSE envelope>"} or {"configuration": {"name", "version", "length", "sha256"}}, as
 * POST /images; the bytes are your origin's affair. `*image` gets the id. */
SLUICE_API int sluice_planner_publish(sluice_planner* planner, const char* json, const char* who,
                                      int64_t now_ms, char** image, char** error);
/* {"sites": [{"identity", "site"}]}, as POST /sites. */
SLUICE_API int sluice_planner_import_sites(sluice_planner* planner, const char* json,
                                           const char* who, int64_t now_ms, char** error);
SLUICE_API int sluice_planner_set_policy(sluice_planner* planner, const char* json, const char* who,
                                         int64_t now_ms, char** error);
/* The body of POST /rollouts. `*rollout` gets the id. */
SLUICE_API int sluice_planner_start_rollout(sluice_planner* planner, const char* spec_json,
                                            const char* who, int64_t now_ms, char** rollout,
                                            char** error);
SLUICE_API int sluice_planner_pause(sluice_planner* planner, const char* rollout, const char* who,
                                    int64_t now_ms, char** error);
SLUICE_API int sluice_planner_resume(sluice_planner* planner, const char* rollout, const char* who,
                                     int64_t now_ms, char** error);
SLUICE_API int sluice_planner_cancel(sluice_planner* planner, const char* rollout, const char* who,
                                     int64_t now_ms, char** error);
SLUICE_API int sluice_planner_retry(sluice_planner* planner, const char* rollout, const char* who,
                                    int64_t now_ms, char** error);
/* A subscriber's device: everything that names it goes ("gone"). */
SLUICE_API int sluice_planner_erase(sluice_planner* planner, const char* identity, const char* who,
                                    int64_t now_ms, char** error);

/* --- views, as GET of the REST API gives them ---------------------------------------------------
 */

/* what: "devices", "devices/<identity>", "groups", "groups/<id>", "images", "images/<id>",
 * "rollouts", "rollouts/<id>", "rollouts/<id>/devices". Lists come in pages: at most `at_most` (1
 * to 1000) after the one that `next` of the page before names; NULL or "": the first page. Of a
 * rollout that has settled (over for settle_after_s of the policy) the devices are in your rows of
 * kind "rollout_device" alone: SLUICE_REFUSED. Rows of such a rollout need not be given back, but
 * for that of kind "rollout". */
SLUICE_API int sluice_planner_view(sluice_planner* planner, const char* what, const char* after,
                                   size_t at_most, char** json, char** error);

#ifdef __cplusplus
}
#endif

#endif
