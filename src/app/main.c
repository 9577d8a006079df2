#include "app/app.h"
#include "app/connect.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

const kw_command KW_COMMANDS[] = {
    {"demo", "[--once]", "Show the whole way on this machine: a token, a Session, a Role", NULL, kw_cmd_demo},
    {"init",
     "DIR [--uri URI] [--host NAME]... [--port N] [--allow-none] [--allow-anonymous] [--store URL] [--store-key-file F]\n"
     "             [--admin-password-file F] [--key-type TYPE]",
     "Make keys, certificates, a store, a configuration and a first administrator",
     "  --uri URI                ApplicationUri of the Server (default urn:HOSTNAME:keyway)\n"
     "  --host NAME              name or address under which Clients reach it, several allowed; without it only this machine can connect\n"
     "  --port N                 port of the Server (default 4840; 0: any free one); the Authorization Service takes the next one\n"
     "  --allow-none             offer an endpoint without security\n"
     "  --allow-anonymous        let Clients in that name no user\n"
     "  --store URL              postgresql://USER@HOST/DATABASE instead of a file; what is there already is shared\n"
     "  --store-key-file F       own/store.key of a node that uses that store; it opens the signing keys\n"
     "  --key-type TYPE          of the applications: rsa (default), ec-p256, ec-p384, ec-bp256, ec-bp384, ed25519 or ed448\n"
     "  --admin-password-file F  the administrator's password is the first line of F; otherwise one is made up and shown once\n",
     kw_cmd_init},
    {"serve", "-c FILE [--nodeset FILE]...", "Run the Server",
     "  --nodeset FILE  load a model from a NodeSet2 file, several allowed, in any order; others stand in server.nodesets\n", kw_cmd_serve},
    {"authority", "-c FILE", "Run the Authorization Service", NULL, kw_cmd_authority},
    {"endpoints", "URL", "Show what a server offers", KW_CONNECT_HELP, kw_cmd_endpoints},
    {"token", "--authority URL --resource URI [--service NAME] [--role ROLE]... [--refresh-file F] [--one-step] [identity]",
     "Request an access token and print it", KW_CONNECT_HELP, kw_cmd_token},
    {"read", "URL NODEID... [--attribute NAME] [--every SECONDS] [identity]", "Read values or other attributes", KW_CONNECT_HELP,
     kw_cmd_read},
    {"watch", "URL NODEID... [--interval MS] [--count N] [identity]", "Show values as they change", KW_CONNECT_HELP, kw_cmd_watch},
    {"write", "URL NODEID VALUE [identity]", "Write a value", KW_CONNECT_HELP, kw_cmd_write},
    {"browse", "URL [NODEID] [identity]", "Show what is below a node", KW_CONNECT_HELP, kw_cmd_browse},
    {"call", "URL OBJECTID METHODID [ARGUMENT...] [identity]", "Call a Method", KW_CONNECT_HELP, kw_cmd_call},
    {"user",
     "add|passwd|disable|enable|remove|list -d DIR [NAME] [--password-file F] [--role ROLE]... [--must-change-password]\n"
     "       keyway user lockouts -d DIR [--clear KEY | --clear-all] [--json]",
     "Manage the users that sign in with a password, and who is locked out", NULL, kw_cmd_user},
    {"role",
     "add|remove|list -d DIR [ROLE]\n"
     "       keyway role grant|revoke -d DIR ROLE --user NAME | --group ID | --claim-role NAME | --application URI | --thumbprint HEX |\n"
     "         --subject DN | --anonymous | --authenticated | --trusted-application\n"
     "       keyway role only|except|lift -d DIR ROLE --application URI | [--endpoint URL] [--mode none|sign|encrypt] [--policy NAME]",
     "Manage Roles, who gets them, and from where",
     "  only, except: the Role holds for these applications or endpoints alone, or for all but these; lift takes that back.\n",
     kw_cmd_role},
    {"cert",
     "create|show|check|trust|reject|crl|list -d DIR [FILE] [--users] [--issuer] [--out NAME] [--uri URI] [--host NAME]...\n"
     "       [--key-type rsa|ec-p256|ec-p384|ec-bp256|ec-bp384|ed25519|ed448]",
     "Manage certificates and whom they let in", NULL, kw_cmd_cert},
    {"issuer", "add|remove|list -d DIR [URI] [--jwks FILE-OR-URL | --certificate FILE | --discover URL] [--ca-file F] [--authority URL]",
     "Manage whose access tokens the Server accepts", NULL, kw_cmd_issuer},
    {"resource", "add|remove|list -d DIR [URI] [--name TEXT] [--token-lifetime SECONDS]", "Manage the targets that tokens are issued for",
     NULL, kw_cmd_resource},
    {"policy",
     "allow|remove|list|test -d DIR [RESOURCE | NUMBER] [--user NAME | --group ID | --application URI | --claim-role NAME |\n"
     "       --having-role ROLE | --anyone] [--role ROLE]... [--lifetime SECONDS] [--issuer URI]",
     "Manage who may get which Roles on which resource, and see why",
     "  allow RESOURCE    a rule: who (one of --user, --group, --application, --claim-role, --having-role, --anyone) may get which of his\n"
     "                    Roles (--role, several; without: all that he has), and for how long at most. * as RESOURCE: every one.\n"
     "                    A resource without a rule is open to all who are proven, with the first one it is closed to all others\n"
     "  remove NUMBER     end a rule; `keyway policy list` shows the numbers\n"
     "  test RESOURCE     what would somebody get, and why? --user NAME: a user of the store, or of the directory;\n"
     "                    --issuer URI with --claim-role, --group: supposes a token from there; --application URI: a program\n",
     kw_cmd_policy},
    {"client",
     "add|remove|list -d DIR [ID] [--name TEXT] [--grant TYPE]... [--redirect URI]... [--resource URI]... [--application URI]\n"
     "       [--jwks FILE | --certificate FILE | --public] [--introspect]",
     "Manage the programs that get tokens by OAuth 2.0",
     "  add ID            register a program. It proves itself by a secret, which is printed once; --jwks: by a key; --certificate: by\n"
     "                    its certificate in TLS; --public: not at all\n"
     "    --grant TYPE    what it may use, several: client_credentials (the default), authorization_code, refresh_token,\n"
     "                    urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange\n"
     "    --redirect URI  where authorization_code may lead users back to\n"
     "    --application URI   as whom it gets Roles when it speaks for itself: `keyway role grant ROLE --application URI`\n"
     "    --resource URI  what it may ask tokens for; without: every resource\n"
     "    --introspect    it may look into tokens that were issued to others: a resource server\n"
     "  remove ID         no more tokens for it\n",
     kw_cmd_client},
    {"grant", "list|revoke -d DIR [GRANT] [--user NAME] [--client ID] [--json]",
     "Show who was let in for longer, by refresh tokens, and end that",
     "  revoke GRANT                 all tokens that came of it are void at once, on every node\n"
     "  revoke --user NAME           the same for all grants of the user; with --client: of the user by that client\n"
     "  revoke --client ID           the same for all grants of an OAuth client, or of an application by its ApplicationUri\n",
     kw_cmd_grant},
    {"key", "list|rotate|revoke|rewrap [KEY] -d DIR [--now] [--alg ALGORITHM] [--keep-file] [--without-token] [--json]",
     "Manage the keys that sign access tokens",
     "  rotate            publish a next key; it signs once others have had the time to learn of it. With --now: at once\n"
     "                    --alg RS256|PS256|ES256|ES384|EdDSA: of this algorithm, otherwise of authority.signing_algorithm\n"
     "  revoke KEY        in an emergency: nothing that it has signed is good any more\n"
     "  rewrap            seal the keys in the store with a new key in authority.key_file; with --keep-file: with the first one in it.\n"
     "                    With authority.key_token the token wraps it; with --without-token it stands in the file as it is\n",
     kw_cmd_key},
    {"store", "backup|restore FILE -d DIR",
     "Copy the whole store into a file, while it is used, or out of one into a store that is not there yet",
     "  A backup can be restored to a file or to PostgreSQL, wherever it was taken from: `store` in DIR/keyway.yaml says to which.\n",
     kw_cmd_store},
    {"trail", "list|check -d DIR [--after N]", "Show the audit trail, or prove that it is whole", NULL, kw_cmd_trail},
    {"log", "verify|export -d DIR [--after N]", "Prove that the audit trail is whole, or write it out as JSON lines", NULL, kw_cmd_log},
    {"access",
     "explain USER NODE [read|write|call|browse|events|...] -d DIR [--mode none|sign|encrypt] [--sessionless] [--json]\n"
     "       keyway access explain --anonymous NODE [...] -d DIR\n"
     "       keyway access diff FILE -d DIR [--json]",
     "Show who may do what with a node and why, or what another configuration would change",
     "  NODE              a NodeId, ns=1;s=Name, or a path of BrowseNames, /Objects/1:Name\n"
     "  --mode MODE       of the channel; encrypt without it\n"
     "  diff FILE         compares the rules of DIR/keyway.yaml with those in FILE, for each node and each Role\n",
     kw_cmd_access},
    {"directory", "test -d DIR USER [--password-file F]", "Ask the directory (LDAP, Active Directory) for a user, step by step",
     "  Shows which entry is found, its groups, and which Roles follow. Without --password-file nobody's password is tried.\n",
     kw_cmd_directory},
    {"config", "check -c FILE", "Check a configuration", NULL, kw_cmd_config},
    {NULL, NULL, NULL, NULL, NULL},
};

static int print_overview(FILE *out, int code)
{
    fprintf(out, "usage: keyway COMMAND ...\n\nOPC UA sessions, user identities and access tokens.\n\n");
    for (const kw_command *c = KW_COMMANDS; c->name != NULL; c++) {
        fprintf(out, "  %-10s %s\n", c->name, c->summary);
    }
    fprintf(out, "\n`keyway COMMAND --help` tells more. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n");
    return code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_DUMPABLE, 0); /* secrets never reach a core dump */
    if (argc < 2) {
        return print_overview(stderr, KW_EXIT_USAGE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        return print_overview(stdout, KW_EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("keyway %s\n", KW_VERSION);
        return KW_EXIT_DONE;
    }
    for (const kw_command *c = KW_COMMANDS; c->name != NULL; c++) {
        if (strcmp(argv[1], c->name) == 0) {
            return c->run(c, argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "keyway: '%s' is not a command; `keyway --help` lists them\n", argv[1]);
    return KW_EXIT_USAGE;
}
