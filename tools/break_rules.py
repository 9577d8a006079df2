#!/usr/bin/env python3
"""Break rules one by one, in a copy of the source, and see that a test notices each.

usage: tools/break_rules.py [NAME...]    NAME as below; without, all of them

Prints a line for each; the last one is 'N passed, M failed': a rule that can be broken unnoticed has failed.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name, file, what stands there, what is put there, the test that has to fail
RULES = [
    ("AS-05-any-signature", "src/session/activate.c",
     "return kw_status_is_bad(status) ? KW_BAD_APPLICATION_SIGNATURE_INVALID : KW_GOOD;", "return KW_GOOD;",
     "conformance_activate_signature_test"),
    ("AS-07-nonce-used-again", "src/session/activate.c", "memcpy(session->nonce, nonce, sizeof(nonce));", "(void)nonce;",
     "sim_sessions_test"),
    ("AS-09-first-activation-anywhere", "src/session/activate.c",
     "if (session->state != KW_SESSION_ACTIVATED) {\n        return KW_BAD_SECURE_CHANNEL_ID_INVALID;\n    }\n    if (kw_channel_policy",
     "if (kw_channel_policy", "conformance_activate_transfer_test"),
    ("AS-11-transfer-to-another-application", "src/session/activate.c",
     "return same ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;", "return same || true ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;",
     "conformance_activate_transfer_test"),
    ("AS-12-transfer-to-another-user", "src/session/activate.c",
     "!kw_identity_is_same_user(p->as.activate.former, p->as.activate.identity)", "false", "sim_sessions_test"),
    ("AS-13-old-channel-still-served", "src/session/table.c", "if (session->channel != channel) { /* AS-13, CS-02 */",
     "if (false && channel != NULL) {", "conformance_activate_transfer_test"),
    ("AS-03-not-activated-stays", "src/session/table.c",
     "KW_BAD_SESSION_NOT_ACTIVATED", "KW_BAD_SESSION_CLOSED", "conformance_activate_order_test"),
    ("AS-37-locales-in-any-order", "src/space/locale.c", "if (is_same(available[a], wishes[w])) {",
     "if (is_same(available[a], wishes[wish_count - 1 - w])) {", "conformance_locales_test"),
    ("IT-14-rights-without-end", "src/session/expiry.c", "session->identity->rights_end != 0 &&", "false &&",
     "conformance_issued_token_test"),
    ("UN-07-any-nonce-in-a-secret", "src/identity/secret_rsa.c", "kw_secret_equal(nonce, expected);", "nonce.len > 0;",
     "conformance_encrypted_secret_test"),
    ("JW-03-expired-tokens", "src/identity/jws.c", "rules->now >= jwt->exp + skew", "rules->now == 0", "conformance_issued_token_test"),
    ("AS-32-items-keep-their-rights", "src/session/table.c", "if (env->identity_changed != NULL) {", "if (env->identity_changed != NULL && session == NULL) {",
     "conformance_subscriptions_test"),
    ("AS-23-no-lock-out", "src/identity/throttle.c", "kw_count_failures(c) < t->config.lockout_after) {", "kw_count_failures(c) < 1000 * t->config.lockout_after) {", "unit_identity_throttle_test"),
    ("TP-01-one-policy-id", "src/identity/policies.c", '"certificate", secret', '"username", secret',
     "conformance_user_token_policy_test"),
    ("AZ-08-a-request-twice", "src/authority/token_requests.c", "    drop(r, e);\n    return status;", "    return status;",
     "conformance_start_request_token_test"),
    ("AZ-08-requests-outlive-their-session", "src/authority/authority.c", "kw_token_requests_drop_session(authority->requests, session_id);",
     "(void)authority;\n    (void)session_id;", "conformance_start_request_token_test"),
    ("AZ-11-any-policy-of-the-service", "src/authority/finish_token.c", "    claim.policies = &f->policy;\n    claim.policy_count = 1;",
     "    KW_TRY(kw_authority_policies(f->base.authority, f->base.call->arena, (kw_user_token_policy **)&claim.policies, &claim.policy_count));",
     "conformance_start_request_token_test"),
    ("AZ-12-roles-not-narrowed", "src/authority/roles.c", "if (wanted->count == 0) {\n        return KW_GOOD;", "if (wanted != NULL) {\n        return KW_GOOD;",
     "conformance_start_request_token_test"),
    ("AZ-12-any-role-for-the-asking", "src/authority/finish_token.c", "if (!kw_roles_are_held(&f->wanted, *who)) {", "if (false) {",
     "conformance_start_request_token_test"),
    ("AZ-13-requestor-data-not-signed", "src/identity/channel_bound.c", "out->parts[5] = b->client_nonce;", "out->parts[5] = KW_BYTES_NULL;",
     "conformance_start_request_token_test"),
    ("AZ-13-signed-for-a-session", "src/authority/finish_token.c", "claim.binding = &binding;", "claim.server_nonce = binding.server_nonce;",
     "conformance_start_request_token_test"),
    ("AZ-15-reuse-costs-nothing", "src/authority/grant.c", "        KW_TRY(kw_grant_end(c, out));\n        return reject(why, WHY_REUSED);",
     "        return reject(why, WHY_REUSED);", "conformance_refresh_token_test"),
    ("AZ-15-anybodys-refresh-token", "src/authority/grant.c", "kw_bytes_equal(grant->row.application, c->owner) &&", "",
     "conformance_refresh_token_test"),
    ("AZ-15-not-looked-at-again", "src/authority/refresh_token.c", "KW_TRY(look_again(t, &context, &grant, who, why));",
     "(void)look_again;\n    *who = kw_identity_retain(t->session_identity);", "conformance_refresh_token_test"),
    ("RT-08-signed-by-anybody", "src/identity/secret_proof.c", "application != NULL && kw_bytes_equal(kw_certificate_der(signer), kw_certificate_der(application))",
     "application != NULL", "conformance_request_access_token_identity_test"),
    ("RT-08-signature-not-looked-at", "src/identity/secret_rsa.c", "const bool is_good = facts->signer == NULL ||", "const bool is_good = e != NULL || facts->signer == NULL ||",
     "conformance_request_access_token_identity_test"),
    ("RT-08-demand-forgotten", "src/authority/request.c", "claim.needs_signer = t->authority->config.require_signed_secrets;", "claim.needs_signer = false;",
     "conformance_request_access_token_identity_test"),
    ("RT-12-bare-certificate", "src/identity/x509.c", "const bool is_sealed = kw_bytes_is_empty(claim->server_nonce) &&",
     "const bool is_sealed = false && kw_bytes_is_empty(claim->server_nonce) &&", "conformance_request_access_token_identity_test"),
    ("RT-14-any-users-signature", "src/identity/secret_proof.c", "!kw_status_is_bad(kw_proof_check_user_trust(proof, signer))", "signer != NULL",
     "conformance_request_access_token_identity_test"),
    ("RT-16-a-secret-twice", "src/identity/gate.c", "KW_GOTO(done, kw_proof_use_up(proof));", "", "conformance_request_access_token_replay_test"),
    ("RT-17-forgotten-too-early", "src/identity/secret_proof.c", "proof->sealed.signing_time + 2 *", "proof->sealed.signing_time - 2 *",
     "conformance_request_access_token_replay_test"),
    ("RT-05-any-method-without-a-session", "src/service/method.c", "if (!batch->access.has_session && !method->is_sessionless) {", "if (false) {",
     "conformance_sessionless_test"),
    ("RT-05-tokens-on-open-channels", "src/server/sessionless.c",
     "if (kw_channel_mode(connection->channel) != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) {", "if (false) {", "conformance_sessionless_test"),
    ("RT-05-done-though-nobody-waits", "src/server/sessionless.c", "} else if (s->connection->is_lost ||", "} else if (s->connection == NULL ||",
     "conformance_sessionless_test"),
    ("RT-31-anybody-asks", "src/authority/token_call.c", "return authority->config.requestor_count == 0;", "return true;", "conformance_request_access_token_test"),
    ("UM-11-what-waits-outlives-its-user", "src/session/linger.c", "env->closed(env->ctx, session, true);", "(void)env;",
     "conformance_waiting_subscriptions_test"),
    ("IT-14-what-waits-reads-on", "src/service/subscriptions.c", "return session != NULL && kw_session_is_expired(session);",
     "return false && session != NULL;", "conformance_waiting_subscriptions_test"),
    ("UM-21-reset-overwritten", "src/space/user_methods.c", ".former_hash = &known.password_hash,", "",
     "conformance_change_password_test"),
    ("RO-09-applications-never-excluded", "src/identity/roles.c", "if (!role->applications_exclude) {", "if (false) {",
     "conformance_role_methods_test"),
    ("X5-04-nobody-hears-of-a-users-certificate", "src/server/audit_session.c", "raise_user_certificate(server, event);",
     "(void)raise_user_certificate;", "conformance_audit_users_test"),
    ("AS-02-client-asks-too-early", "src/client/exchange.c", "if (!client->is_activated) {", "if (false) {", "conformance_client_session_test"),
    ("AS-62-client-signs-an-old-nonce", "src/client/activate.c", "const kw_status nonce = kw_client_take_nonce(client, response->server_nonce);",
     "const kw_status nonce = client == NULL ? kw_client_take_nonce(client, response->server_nonce) : KW_GOOD;", "conformance_client_session_test"),
    ("AS-61-client-takes-any-nonce", "src/client/connect.c", "nonce.len < KW_CLIENT_NONCE ||", "", "conformance_client_distrust_test"),
    ("CS-16-client-takes-any-signature", "src/client/connect.c",
     "kw_asym_verify(policy, kw_certificate_public_key(client->server_certificate), parts, 2, response->server_signature.signature);",
     "parts[0].len > 0 ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;", "conformance_client_distrust_test"),
    ("CL-05-client-takes-nothing-over", "src/client/resume.c", "s->standing = is_other_session ? KW_CLIENT_ABROAD : KW_CLIENT_BEHIND;",
     "s->standing = is_other_session ? KW_CLIENT_MISSING : KW_CLIENT_BEHIND;", "conformance_client_subscription_test"),
    ("client-delivers-twice", "src/client/notification.c", "if (number == s->next_sequence_number) {", "if (number != 0) {",
     "conformance_client_subscription_test"),
    ("client-leaves-gaps", "src/client/notification.c", "if (is_ahead(s, number) && !close_gap(s, number)) {",
     "if (is_ahead(s, number) && number == 0 && !close_gap(s, number)) {", "conformance_client_subscription_test"),
    ("client-repeats-values", "src/client/notification.c", "const bool is_same = item->has_last &&", "const bool is_same = false && item->has_last &&",
     "conformance_client_subscription_test"),
    ("CS-17-client-takes-any-certificate", "src/client/connect.c", "if (!same) {", "if (!same && client == NULL) {",
     "conformance_client_distrust_test"),
    ("CS-18-client-takes-any-endpoints", "src/client/connect.c", "if (!same_endpoints(", "if (discovered == NULL && !same_endpoints(",
     "conformance_client_distrust_test"),
    ("ES-12-secrets-for-strangers", "src/client/activate.c", "!client->server_certificate_is_checked &&", "client == NULL &&",
     "conformance_client_secrets_test"),
    ("ES-12-secrets-for-other-hosts", "src/client/verify.c", "!host_fits(certificate, url.host)",
     "(certificate == NULL && !host_fits(certificate, url.host))",
     "conformance_client_secrets_test"),
    ("ES-12-secrets-for-another-server", "src/client/recover.c",
     "kw_bytes_equal(endpoints[i].server.application_uri, was->server.application_uri)", "was != NULL", "conformance_client_recovery_test"),
    ("UN-01-password-in-clear", "src/client/token.c", "|| mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT",
     "|| (policies == NULL && mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT)",
     "conformance_client_secrets_test"),
    ("IT-17-client-tries-once", "src/client/upkeep.c", "user->renew_at = kw_clock_ms(client->env.clock) + user->renew_wait;",
     "user->renew_at = UINT64_MAX;", "conformance_client_renewal_test"),
    # What only shows when much happens at once: the simulation has to find it within 1,000 lives.
    ("AS-13-old-channel-in-the-simulation", "src/session/table.c", "if (session->channel != channel) { /* AS-13, CS-02 */",
     "if (false && channel != NULL) {", "sim_sessions_test"),
    ("AS-13-publish-of-the-old-channel", "src/service/subscriptions.c",
     "kw_publisher_refuse_others(p, kw_session_channel(session), KW_BAD_SECURE_CHANNEL_ID_INVALID); /* AS-13 */", "", "sim_sessions_test"),
    ("AS-32-values-after-the-right-is-lost", "src/service/monitored_item.c",
     "if (is_denied && !item->is_denied) {\n        kw_item_forget(item);", "if (is_denied) {\n        return;", "sim_sessions_test"),
    ("AS-32-messages-of-the-former-user", "src/service/subscriptions.c", "forget_former_user(s);\n    }\n    if",
     "(void)forget_former_user;\n    }\n    if", "sim_sessions_test"),
    ("IT-14-expiry-not-looked-at", "src/session/expiry.c",
     'return !kw_session_is_expired(session) || end_identity(session, "identity expired");', "return true || session == NULL;",
     "sim_sessions_test"),
    ("IT-15-told-after-the-end", "src/service/subscription.c", " && !kw_subscription_is_expired(s);", ";", "sim_sessions_test"),
    ("UM-11-disabled-users-stay", "src/session/review.c",
     "return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_REJECTED;", "return status == KW_BAD_SHUTDOWN;",
     "sim_sessions_test"),
    ("AS-23-lock-outs-not-counted", "src/identity/throttle.c", "kw_count_failures(c) < t->config.lockout_after) {",
     "kw_count_failures(c) < 1000 * t->config.lockout_after) {", "sim_sessions_test"),
    ("CL-05-subscriptions-for-anybody", "src/service/subscription_services.c", "if (!kw_identity_is_same_user(owner, taker)) {\n        return false;",
     "if (!kw_identity_is_same_user(owner, taker)) {\n        return true;", "sim_sessions_test"),
    ("numbers-begin-anew-with-a-transfer", "src/service/subscriptions.c", "    s->message_sent = false;\n    s->has_more = false;",
     "    s->next_sequence_number = 1;\n    s->message_sent = false;\n    s->has_more = false;", "sim_sessions_test"),
    ("records-lost-without-a-trace", "src/session/activate.c", "p->is_recorded = kw_session_record(",
     "p->is_recorded = true;\n    (void)kw_session_record(", "sim_sessions_test"),
    ("memory-of-refused-requests", "src/server/dispatch.c",
     "send_fault(connection, request_id, handle, status);\n        kw_server_drop_arena(connection->server, arena);",
     "send_fault(connection, request_id, handle, status);", "sim_sessions_test"),
    ("a-missed-nonce-is-for-ever", "src/client/activate.c", "client->is_activated) {\n        client->session_is_gone = true;",
     "client->is_activated) {", "conformance_client_recovery_test"),
]


def build(tree, program):
    return subprocess.run(["ninja", "-C", str(tree / "build"), program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def try_rule(tree, name, file, old, new, program):
    path = tree / file
    text = path.read_text()
    if old not in text:
        return False, f"{file} has changed: the rule is not broken any more"
    path.write_text(text.replace(old, new, 1))
    built = build(tree, program)
    if built.returncode != 0:
        result = (False, "does not compile: " + built.stdout[-300:])
    else:
        env = dict(os.environ, KW_SEEDS="1000")
        run = subprocess.run([str(tree / "build" / program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        failed = [line.split("] ")[-1].strip() for line in run.stdout.splitlines() if line.startswith("[  FAILED  ]")]
        seed = [line.split(",")[0] for line in run.stdout.splitlines() if line.startswith("seed ")]
        told = (seed or failed or [f"ended with {run.returncode}"])[0]
        result = (run.returncode != 0, told if run.returncode != 0 else "nobody noticed")
    path.write_text(text)
    return result


def main():
    wanted = sys.argv[1:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build*", ".git", "node_modules"))
        subprocess.run(["cmake", "-S", str(tree), "-B", str(tree / "build"), "-G", "Ninja", "-DKW_TESTS=ON", "-DCMAKE_BUILD_TYPE=Debug",
                        "-DCMAKE_C_FLAGS=-Wno-error"], check=True, stdout=subprocess.DEVNULL)
        for rule in RULES:
            if wanted and rule[0] not in wanted:
                continue
            noticed, told = try_rule(tree, *rule)
            passed, failed = passed + noticed, failed + (not noticed)
            print(f"{'noticed' if noticed else 'UNNOTICED'}  {rule[0]}: {rule[4]}: {told}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
