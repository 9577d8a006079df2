#include "server/metrics.h"

#include "base/metric_text.h"
#include "server/runtime_internal.h"
#include "server/server_internal.h"
#include "service/subscription.h"

static void put_numbers(const kw_server *server, kw_writer *w)
{
    const kw_server_diagnostics_summary_data_type s = kw_server_summarize(server);
    const struct {
        const char *name, *type, *help;
        double value;
    } rows[] = {
        {"keyway_connections", "gauge", "Connections, each with at most one SecureChannel.", server->connection_count},
        {"keyway_sessions", "gauge", "Sessions.", s.current_session_count},
        {"keyway_sessions_created_total", "counter", "Sessions that were created.", s.cumulated_session_count},
        {"keyway_sessions_rejected_total", "counter", "CreateSession and ActivateSession requests that were refused.",
         s.rejected_session_count},
        {"keyway_sessions_timed_out_total", "counter", "Sessions that timed out.", s.session_timeout_count},
        {"keyway_sessions_aborted_total", "counter", "Sessions that the Server ended.", s.session_abort_count},
        {"keyway_subscriptions", "gauge", "Subscriptions.", s.current_subscription_count},
        {"keyway_subscriptions_created_total", "counter", "Subscriptions that were created.", s.cumulated_subscription_count},
        {"keyway_monitored_items", "gauge", "MonitoredItems.", (double)kw_subscriptions_item_count(server->services.subscriptions)},
        {"keyway_request_memory_bytes", "gauge", "Memory of requests under way, and of those kept for the next ones.",
         (double)server->budget.used},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        kw_metric_one(w, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
    }
}

static void put_requests(const kw_server *server, kw_writer *w)
{
    static const char *const RESULTS[KW_REQUEST_RESULTS] = {"good", "bad", "security"};
    static const char NAME[] = "keyway_requests_total";
    kw_metric_begin(w, NAME, "counter", "Requests that were answered: good, refused for reasons of security, or bad for others.");
    for (size_t i = 0; i < KW_REQUEST_RESULTS; i++) {
        kw_metric_value(w, NAME, &(kw_metric_label){"result", RESULTS[i]}, 1, (double)server->requests[i]);
    }
}

static void put_identities(const kw_identity_counts *counts, kw_writer *w)
{
    static const char *const KINDS[KW_IDENTITY_KINDS] = {"anonymous", "user_name", "certificate", "issued", "unknown"};
    static const char *const RESULTS[KW_PROOF_RESULTS] = {"good", "refused", "locked_out", "failed"};
    static const char NAME[] = "keyway_identity_proofs_total";
    kw_metric_begin(
        w, NAME, "counter",
        "Attempts to prove a user, by kind of token: good, refused, refused unseen while locked out, or failed for a lack of ours.");
    for (size_t kind = 0; kind < KW_IDENTITY_KINDS; kind++) {
        for (size_t result = 0; result < KW_PROOF_RESULTS; result++) {
            const kw_metric_label labels[] = {{"token", KINDS[kind]}, {"result", RESULTS[result]}};
            kw_metric_value(w, NAME, labels, 2, (double)counts->proofs[kind][result]);
        }
    }
    kw_metric_one(w, "keyway_delayed_answers_total", "counter", "Answers to attempts that were held back after failures.",
                  (double)counts->delayed);
    kw_metric_one(w, "keyway_lockouts_total", "counter", "Lock-outs that began.", (double)counts->lockouts);
}

static void put_tokens(const kw_server *server, kw_writer *w)
{
    static const struct {
        const char *method, *grant;
    } WAYS[KW_TOKEN_WAYS] = {
        [KW_TOKEN_WAY_REQUEST_ACCESS_TOKEN] = {"opcua", "RequestAccessToken"},
        [KW_TOKEN_WAY_FINISH_REQUEST_TOKEN] = {"opcua", "FinishRequestToken"},
        [KW_TOKEN_WAY_REFRESH_TOKEN] = {"opcua", "RefreshToken"},
        [KW_TOKEN_WAY_CLIENT_CREDENTIALS] = {"oauth", "client_credentials"},
        [KW_TOKEN_WAY_AUTHORIZATION_CODE] = {"oauth", "authorization_code"},
        [KW_TOKEN_WAY_DEVICE_CODE] = {"oauth", "device_code"},
        [KW_TOKEN_WAY_OAUTH_REFRESH] = {"oauth", "refresh_token"},
        [KW_TOKEN_WAY_TOKEN_EXCHANGE] = {"oauth", "token_exchange"},
        [KW_TOKEN_WAY_OTHER] = {"oauth", "other"},
    };
    static const char *const RESULTS[KW_TOKEN_RESULTS] = {"issued", "refused", "pending", "limited", "failed"};
    static const char NAME[] = "keyway_access_tokens_total";
    kw_metric_begin(w, NAME, "counter", "Requests for access tokens, by Method of OPC UA or grant of OAuth 2.0, and what became of them.");
    for (size_t way = 0; way < KW_TOKEN_WAYS; way++) {
        for (size_t result = 0; result < KW_TOKEN_RESULTS; result++) {
            const kw_metric_label labels[] = {{"method", WAYS[way].method}, {"grant", WAYS[way].grant}, {"result", RESULTS[result]}};
            kw_metric_value(w, NAME, labels, 3, (double)server->tokens[way][result]);
        }
    }
}

static void put_limited(const kw_server *server, kw_writer *w)
{
    static const char *const BY[KW_LIMITED_BYS] = {"application", "client", "address"};
    static const char NAME[] = "keyway_requests_limited_total";
    kw_metric_begin(w, NAME, "counter", "Requests to the Authorization Service that came too often, and were sent away for it.");
    for (size_t i = 0; i < KW_LIMITED_BYS; i++) {
        kw_metric_value(w, NAME, &(kw_metric_label){"by", BY[i]}, 1, (double)server->limited[i]);
    }
}

void kw_server_metrics(const kw_server *server, kw_writer *w)
{
    kw_identity_counts identities;
    kw_identity_gate_counts(server->gate, &identities);
    put_numbers(server, w);
    put_requests(server, w);
    put_identities(&identities, w);
    put_tokens(server, w);
    put_limited(server, w);
    kw_metric_one(w, "keyway_audit_records_total", "counter", "Records that were written into the audit trail.",
                  (double)kw_store_audit_written(server->env.store));
    kw_metric_one(w, "keyway_store_up", "gauge", "Could the store be read at the last look?",
                  kw_status_is_bad(kw_identity_gate_store_status(server->gate)) ? 0 : 1);
}

void kw_runtime_metrics(kw_runtime *runtime, kw_writer *w)
{
    size_t waiting = 0, running = 0;
    kw_workers_count(&runtime->workers, &waiting, &running);
    kw_metric_one(w, "keyway_jobs_waiting", "gauge", "Jobs that wait for the offload pool.", (double)waiting);
    kw_metric_one(w, "keyway_jobs_running", "gauge", "Jobs that run in the offload pool.", (double)running);
}

void kw_server_count_token(kw_server *server, kw_token_way way, kw_token_result result)
{
    atomic_fetch_add_explicit(&server->tokens[way][result], 1, memory_order_relaxed);
}

void kw_server_count_limited(kw_server *server, kw_limited_by by)
{
    atomic_fetch_add_explicit(&server->limited[by], 1, memory_order_relaxed);
}

kw_server_health kw_server_health_of(const kw_server *server)
{
    if (server->is_shutting_down) {
        return KW_HEALTH_STOPPING;
    }
    return kw_status_is_bad(kw_identity_gate_store_status(server->gate)) ? KW_HEALTH_NO_STORE : KW_HEALTH_OK;
}
