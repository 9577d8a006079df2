/* A Client in fifteen lines: sign in with a name and a password, read one value. */
#include <keyway/client.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    const kw_client_config config = {.certificate_file = "client.crt", .key_file = "client.key", .trust_directory = "trust"};
    const char *why = "usage: client URL NAME PASSWORD";
    kw_client *client = NULL;
    if (argc != 4 || kw_status_is_bad(kw_client_new(&config, &client, &why))) {
        return fprintf(stderr, "%s\n", why), 2;
    }
    const kw_client_identity user = {
        .kind = KW_USER_TOKEN_TYPE_USER_NAME, .user_name = kw_string_from(argv[2]), .password = kw_string_from(argv[3])};
    kw_arena *arena = kw_arena_new(1 << 20);
    kw_data_value value;
    kw_status status = kw_client_connect(client, argv[1]);
    status = kw_status_is_bad(status) ? status : kw_client_activate(client, &user);
    status = kw_status_is_bad(status) ? status : kw_client_read(client, &KW_NODE_ID_TEXT(1, "Temperature"), 13, arena, &value);
    const double *temperature = kw_status_is_bad(status) ? NULL : kw_variant_get(&value.value, KW_BUILTIN_DOUBLE);
    temperature != NULL ? printf("%.1f\n", *temperature) : fprintf(stderr, "%s %s\n", kw_status_name(status), kw_client_error(client));
    kw_client_free(client);
    kw_arena_free(arena);
    return temperature != NULL ? 0 : 1;
}
