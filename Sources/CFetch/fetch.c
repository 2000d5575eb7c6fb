#define CURL_DISABLE_TYPECHECK
#include "fetch.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Long enough for slow lines, and no more: who drips is cut off. */
enum { CONNECT_MS = 10000, SLOWEST = 50, SLOW_SECONDS = 15, REDIRECTIONS = 3 };

static struct {
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_setopt) *set;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_getinfo) *get;
    __typeof__(curl_easy_cleanup) *cleanup;
    __typeof__(curl_easy_strerror) *text;
    __typeof__(curl_slist_append) *append;
    __typeof__(curl_slist_free_all) *free_all;
    int works;
} curl;

static void open_library(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return;
    __typeof__(curl_global_init) *begin = (__typeof__(begin))dlsym(library, "curl_global_init");
    curl.init = (__typeof__(curl.init))dlsym(library, "curl_easy_init");
    curl.set = (__typeof__(curl.set))dlsym(library, "curl_easy_setopt");
    curl.perform = (__typeof__(curl.perform))dlsym(library, "curl_easy_perform");
    curl.get = (__typeof__(curl.get))dlsym(library, "curl_easy_getinfo");
    curl.cleanup = (__typeof__(curl.cleanup))dlsym(library, "curl_easy_cleanup");
    curl.text = (__typeof__(curl.text))dlsym(library, "curl_easy_strerror");
    curl.append = (__typeof__(curl.append))dlsym(library, "curl_slist_append");
    curl.free_all = (__typeof__(curl.free_all))dlsym(library, "curl_slist_free_all");
    curl.works = begin && curl.init && curl.set && curl.perform && curl.get && curl.cleanup && curl.text && curl.append
        && curl.free_all && begin(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct transfer {
    const struct fetch_request *request;
    struct fetch_reply *reply;
    size_t room;
    int is_too_long;
};

static size_t take_body(char *bytes, size_t one, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct fetch_reply *reply = transfer->reply;
    size_t size = one * count;
    if (size > transfer->request->most - reply->size) {
        transfer->is_too_long = 1;
        return 0;
    }
    if (size > transfer->room - reply->size) {
        size_t room = (transfer->room + size) * 2;
        char *larger = realloc(reply->body, room);
        if (!larger)
            return 0;
        reply->body = larger;
        transfer->room = room;
    }
    if (size)
        memcpy(reply->body + reply->size, bytes, size);
    reply->size += size;
    return one * count;
}

/* Copies the value of a header line, if it is that header and fits. */
static void take_value(const char *line, size_t size, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0)
        return;
    line += length;
    size -= length;
    while (size && (*line == ' ' || *line == '\t'))
        line++, size--;
    while (size && (line[size - 1] == '\r' || line[size - 1] == '\n' || line[size - 1] == ' '))
        size--;
    if (size >= room || memchr(line, 0, size))
        return;
    memcpy(value, line, size);
    value[size] = 0;
}

static size_t take_header(char *line, size_t one, size_t count, void *context)
{
    struct fetch_reply *reply = ((struct transfer *)context)->reply;
    size_t size = one * count;
    /* After a redirection the headers begin anew. */
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0)
        reply->etag[0] = reply->last_modified[0] = 0;
    take_value(line, size, "etag:", reply->etag, sizeof reply->etag);
    take_value(line, size, "last-modified:", reply->last_modified, sizeof reply->last_modified);
    return size;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct fetch_request *request = ((struct transfer *)context)->request;
    (void)a, (void)b, (void)c, (void)d;
    return request->is_cancelled && request->is_cancelled(request->context);
}

static struct curl_slist *add(struct curl_slist *list, const char *name, const char *value)
{
    char line[512];
    if (!value || !*value || snprintf(line, sizeof line, "%s: %s", name, value) >= (int)sizeof line)
        return list;
    return curl.append(list, line);
}

static void prepare(CURL *handle, struct transfer *transfer, struct curl_slist *headers, char *error)
{
    const struct fetch_request *request = transfer->request;
    int is_https = strncmp(request->url, "https:", 6) == 0;
    curl.set(handle, CURLOPT_URL, request->url);
    curl.set(handle, CURLOPT_NOSIGNAL, 1L);
    curl.set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    /* Nobody is led from a checked connection to an open one, or to a file. */
    curl.set(handle, CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
    curl.set(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl.set(handle, CURLOPT_MAXREDIRS, (long)REDIRECTIONS);
    curl.set(handle, CURLOPT_TIMEOUT_MS, request->milliseconds);
    curl.set(handle, CURLOPT_CONNECTTIMEOUT_MS, request->milliseconds < CONNECT_MS ? request->milliseconds : CONNECT_MS);
    curl.set(handle, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    curl.set(handle, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    curl.set(handle, CURLOPT_USERAGENT, "sipguardd");
    curl.set(handle, CURLOPT_HTTPHEADER, headers);
    curl.set(handle, CURLOPT_ERRORBUFFER, error);
    curl.set(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl.set(handle, CURLOPT_WRITEDATA, transfer);
    curl.set(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl.set(handle, CURLOPT_HEADERDATA, transfer);
    curl.set(handle, CURLOPT_XFERINFOFUNCTION, watch);
    curl.set(handle, CURLOPT_XFERINFODATA, transfer);
    curl.set(handle, CURLOPT_NOPROGRESS, 0L);
    if (request->authorities)
        curl.set(handle, CURLOPT_CAINFO, request->authorities);
}

void fetch(const struct fetch_request *request, struct fetch_reply *reply)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char error[CURL_ERROR_SIZE] = "";
    struct transfer transfer = { request, reply, 0, 0 };
    memset(reply, 0, sizeof *reply);
    pthread_once(&once, open_library);
    CURL *handle = curl.works ? curl.init() : NULL;
    if (!handle) {
        snprintf(reply->problem, sizeof reply->problem, "libcurl.so.4 cannot be used: install Debian's libcurl4");
        return;
    }
    struct curl_slist *headers = add(NULL, "If-None-Match", request->etag);
    headers = add(headers, "If-Modified-Since", request->last_modified);
    prepare(handle, &transfer, headers, error);
    CURLcode code = curl.perform(handle);
    if (code == CURLE_OK)
        code = curl.get(handle, CURLINFO_RESPONSE_CODE, &reply->status);
    if (transfer.is_too_long)
        snprintf(reply->problem, sizeof reply->problem, "the answer is longer than %zu bytes", request->most);
    else if (code != CURLE_OK)
        snprintf(reply->problem, sizeof reply->problem, "%s", *error ? error : curl.text(code));
    curl.cleanup(handle);
    curl.free_all(headers);
}

void fetch_free(struct fetch_reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}
