/* guard - what a server in C takes for the daemon's work on a plain request of a phone: the measure that the daemon's own code is held
 * to, where the C echo server is that of the round trip.
 *
 * Done as the daemon does it: the line is read in one pass and the message in it unescaped and read; the source's record and a limit's
 * counter are found in bounded tables, by a keyed hash, under striped locks, with their memory asked for ahead; 160 literals, 20 names
 * and made-up variants of them, are looked for; the request is counted and gets its reply; a line of JSON with all its facts goes into
 * files that rotate, through a queue that nobody waits for, by a thread that comes first.
 *
 * Left out, so that it is less than the daemon does: lists, feeds, trust and bans, all signatures but the literals, shadow rules,
 * treatments, probation, reports, limits on anything but a source, UTF-8, IPv6, requests that are not plain, passwords in what is logged,
 * a disk that is full, and everything that can be configured. */
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *at;             /* NULL: not known */
    uint32_t length;
} text;

enum field {
    METHOD, RURI, FROM_USER, FROM_DOMAIN, FROM_DISPLAY, FROM_TAG, TO_USER, TO_DOMAIN, CONTACT, USER_AGENT, CALL_ID, VIA_HOST,
    VIA_BRANCH, AUTH_USER, AUTH_REALM, NODE, FIELDS
};

struct facts {
    uint32_t source;
    int cseq, max_forwards;
    text texts[FIELDS];
};

struct feeds {                  /* places of a message's line feeds */
    uint32_t places[128], count;
};

/* Begins: tables, and a thread that writes the log there. */
void guard_start(const char *log);
/* Writes the reply to one request; its length, or 0 where the request is not plain. */
size_t guard_answer(const char *line, size_t length, char *out, size_t room);
/* A thread answers no more. */
void guard_end(void);

void read_message(const char *message, size_t length, const struct feeds *feeds, struct facts *facts);

void make_literals(void);
/* Whether any of the literals stands in the value; `last` is one in which none does. */
struct harmless {
    uint32_t length;
    char bytes[60];
};
int is_marked(text value, struct harmless *last);

void make_tables(void);
uint64_t hash_of(uint32_t source);
void expect_source(uint64_t hash);
void expect_record(uint64_t hash);
/* Counts a request; whether it is too many. */
int count_request(uint64_t hash, uint32_t source, uint64_t decision, int64_t now);

void start_log(const char *path);
int join_log(void);
void leave_log(void);
void put(const struct facts *facts, uint64_t decision, int64_t now, int queue);
char *put_hex(char *at, uint64_t value);

int64_t microseconds(int clock);

#define PUT(at, what) mempcpy(at, what, sizeof what - 1)
