/* The Authorization Service in the same process: tokens for the user that a Session has, and for nobody else. */
#include "sim/sim.h"
#include "support/kw_test_authority.h"
#include "support/test.h"

void sim_request_token(sim *s)
{
    sim_session *session = sim_session_in_use(s);
    kw_test_client *line = session != NULL ? sim_line_for(s, session, 10) : NULL;
    sim_request *r = line != NULL && s->world->authority != NULL ? sim_request_new(s, SIM_TOKEN, line, session) : NULL;
    if (r == NULL) {
        return;
    }
    const kw_extension_object none = {.type = NULL};
    const kw_string resource = KW_STRING(KW_TEST_SERVER);
    kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &none), kw_variant_scalar(KW_BUILTIN_STRING, &resource)};
    kw_call_method_request method = {
        .object_id = KW_AUTHORITY_OBJECT, .method_id = KW_TEST_REQUEST_ACCESS_TOKEN, .input_arguments = inputs, .input_arguments_count = 2};
    kw_call_request request = {.methods_to_call = &method, .methods_to_call_count = 1};
    r->made = s->world->clock->utc;
    sim_note(s, "session %u asks for a token on line %u", sim_session_number(s, session), sim_line_number(s, line));
    sim_send(s, r, KW_TYPE_CALL_REQUEST, &request);
}

/* Of the user that the Session had when it asked, and no longer than he has himself. RT-01, RT-24 */
static void check_claims(sim *s, const sim_request *r, const kw_jwt *jwt)
{
    const uint32_t persons = r->persons | 1u << r->session->user.person;
    bool is_one = false;
    for (unsigned person = SIM_OPERATOR; person <= SIM_BEARER; person++) {
        const char *name = sim_person_name(person == SIM_BEARER ? SIM_OPERATOR : (sim_person)person);
        is_one = is_one || ((persons & 1u << person) != 0 && kw_string_equals(jwt->sub, name));
    }
    if (!is_one) {
        sim_violation(s, "session %u got a token of %.*s", sim_session_number(s, r->session), KW_STRING_ARGS(jwt->sub));
    }
    const kw_date_time ends = r->session->user.expires;
    if (r->persons == 0 && ends != 0 && kw_datetime_from_unix(jwt->exp) > ends) {
        sim_violation(s, "session %u got a token that outlives its own", sim_session_number(s, r->session));
    }
}

void sim_judge_token(sim *s, const sim_request *r, const kw_call_response *response)
{
    const kw_call_method_result *result = &response->results[0];
    if (kw_status_is_bad(result->status_code)) {
        sim_check_refusal(s, r, result->status_code, sim_reasons_against_service(s, r), "RequestAccessToken");
        return;
    }
    if ((sim_reasons_against_service(s, r) & r->always & SIM_NO_TRAIL) != 0) {
        sim_violation(s, "session %u got a token that nobody has written down", sim_session_number(s, r->session));
    }
    if (r->line->mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) { /* RT-20 */
        sim_violation(s, "a token went over line %u in clear", sim_line_number(s, r->line));
    }
    const kw_string text = *(const kw_string *)kw_variant_get(&result->output_arguments[0], KW_BUILTIN_STRING);
    const kw_jwt jwt = kw_test_token_claims(s->world, text);
    check_claims(s, r, &jwt);
    s->issued++;
    if (r->persons == 0 && r->session->user.person == SIM_OPERATOR) { /* answered at once: it is known what is in it */
        s->tokens[s->token_count < SIM_TOKENS ? s->token_count++ : sim_below(s, SIM_TOKENS)] =
            (sim_token){.text = text,
                        .made = r->made,
                        .user = {.person = SIM_BEARER,
                                 .expires = kw_datetime_from_unix(jwt.exp),
                                 .claims = sim_right_of(s, &r->session->user),
                                 .key = s->keys[1].latest}};
    }
}
