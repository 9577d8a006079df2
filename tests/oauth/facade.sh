#!/usr/bin/env bash
# AuthorizationService Objects that stand for oidc-provider: its users get its tokens by OPC UA, and our Server takes them. And its users
# sign in at the Server with their passwords.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"
. "$here/prepare.sh"
cd "$work"
echo adminpw-2026 >admin
"$keyway" init D --port 0 --uri urn:test:server --allow-anonymous --admin-password-file admin >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout web.key -out web.crt -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out client.pem 2>/dev/null
openssl ec -in client.pem -pubout -out client.pub 2>/dev/null
chmod 600 client.pem
start provider node "$here/provider.mjs" web.key web.crt client.pub
provider=$url

umask 077
printf 'plant:secret/+%%\n' >secret
printf 'wrong\n' >wrong-secret
umask 022
one() { # NAME CLIENT SECRET-LINE
    printf '  - name: %s\n    issuer: %s\n    ca_file: %s/web.crt\n    client_id: %s\n    %s\n' "$1" "$provider" "$work" "$2" "$3"
}
cat >services <<END
  services:
    - {name: Company, provider: company}
    - {name: CompanyByKey, service_uri: "urn:test:by-key", provider: company-by-key, accepts: [password], resources: ["urn:test:server"]}
    - {name: Line, service_uri: "urn:test:line", accepts: [password], resources: ["urn:test:server"]}
    - {name: Misled, service_uri: "urn:test:misled", provider: misled}
END
sed -i '/^authority:/r services' D/keyway.yaml
{
    echo providers:
    one company plant "client_secret_file: $work/secret"
    one company-by-key plant-key "client_key_file: $work/client.pem"
    one misled plant "client_secret_file: $work/wrong-secret"
    one users plant "client_secret_file: $work/secret"
    echo "    scope: openid"
    printf 'directory:\n  provider: users\n  roles_claim: realm.roles\n'
} >>D/keyway.yaml
expect 0 'in order' "$keyway" config check -c D/keyway.yaml

# One line that says what is wrong.
wrong() {
    sed "$1" D/keyway.yaml >D/wrong.yaml
    expect 2 "^keyway: D/wrong.yaml: $2" "$keyway" config check -c D/wrong.yaml
}
wrong 's/provider: misled/provider: nobody/' "authority.services.provider: 'nobody' is none of"
wrong 's/name: Misled/name: Company/' "authority.services.name: 'Company' is taken"
wrong 's/name: Misled/name: AuthorizationService/' 'authority.services.name: .* is taken'
wrong 's/name: Misled, //' 'authority.services: number 4 has no name'
wrong 's/by-key\", provider: company-by-key, accepts: .password/by-key\", provider: company-by-key, accepts: [certificate/' "authority.services.accepts: a certificate proves nothing"
wrong 's/name: misled/name: company/' "providers.name: 'company' is there twice"
wrong 's/issuer: https:/issuer: http:/' 'providers.issuer: .* is not https'
wrong '/client_secret_file/d' 'providers.client_secret_file: .*give this or client_key_file'
wrong 's/^    client_id: plant$/&\n    target: somewhere/' "providers.target: 'somewhere' is unknown"
wrong 's/^    client_id: plant$/&\n    timeout: 60001/' 'providers.timeout: 60001 is too much'
wrong 's/^  provider: users/  provider: nobody/' "directory.provider: 'nobody' is none of"
wrong 's/^  provider: users/&\n  base: dc=plant/' 'directory.provider: and LDAP cannot both'
wrong 's/^  provider: users/  base: dc=plant/' 'directory: LDAP has no claims'
wrong 's/, provider: misled}/}/; s/urn:test:misled/urn:test:line/' "authority.services.service_uri: 'urn:test:line' is taken"
wrong 's/, service_uri: .urn:test:line.//' "authority.services: 'Line' has neither"
chmod 644 secret
wrong '' 'providers.client_secret_file: others can read'
chmod 600 secret

start authority "$keyway" authority -c D/keyway.yaml
authority=$url
start server "$keyway" serve -c D/keyway.yaml
server=$url
"$keyway" resource add -d D urn:test:elsewhere >/dev/null
"$keyway" role grant -d D Operator --claim-role "$provider/op" >/dev/null
"$keyway" issuer add -d D "$provider" --discover "$provider" --ca-file web.crt >/dev/null
printf 'dora pässword&+%%\n' >dora
echo emil-secret >emil
echo nonsense >nonsense

token() { # SERVICE USER PASSWORD-FILE RESOURCE
    "$keyway" token -d D --authority "$authority" --service "$1" --resource "$4" --user "$2" --password-file "$3"
}
reads() { "$keyway" read -d D --token-file "$1" "$server" 'ns=1;s=Machine.Speed'; }

# A façade's token is the provider's: its own library says so, and our Server takes it for what the claims say.
expect 0 '^ey' token Company dora dora urn:test:server
cp out token
expect 0 '^dora urn:test:server$' node "$here/verify.mjs" "$provider" web.crt token
expect 0 '^[0-9]' reads token
expect 0 '^ey' token Company emil emil urn:test:server
cp out emils
expect 1 Bad_UserAccessDenied reads emils

# The same by private_key_jwt; a token of the provider is exchanged where the service takes tokens, and not where it does not.
expect 0 '^ey' token CompanyByKey dora dora urn:test:server
exchange() { "$keyway" token -d D --authority "$authority" --service "$1" --resource urn:test:server --token-file token; }
expect 0 '^ey' exchange Company
expect 1 Bad_IdentityTokenInvalid exchange CompanyByKey

# Who is refused, and how.
expect 1 Bad_IdentityTokenRejected token Company dora nonsense urn:test:server
expect 1 Bad_NotFound token Company dora dora urn:test:unknown
expect 1 Bad_NotFound token Company dora dora urn:test:elsewhere
expect 1 Bad_NotFound token CompanyByKey dora dora urn:test:elsewhere
expect 1 Bad_ResourceUnavailable token Misled dora dora urn:test:server
expect 1 Bad_NotFound token Nobody dora dora urn:test:server

# A password user of the provider signs in at the Server, and has the Roles of the groups and roles that its id_token names.
signs_in() { "$keyway" read -d D --user "$1" --password-file "$2" "$server" 'ns=1;s=Machine.Speed'; }
expect 1 Bad_UserAccessDenied signs_in dora dora
expect 0 '^group fitters$' "$keyway" directory test -c D/keyway.yaml dora --password-file dora
"$keyway" role grant -d D Operator --group fitters >/dev/null
expect 0 '^role Operator$' "$keyway" directory test -c D/keyway.yaml dora --password-file dora
expect 0 '^[0-9]' signs_in dora dora
expect 1 Bad_UserAccessDenied signs_in emil emil
expect 1 'Bad_UserAccessDenied.* check name and password' signs_in emil nonsense
"$keyway" role revoke -d D Operator --group fitters >/dev/null
"$keyway" role grant -d D Operator --claim-role op >/dev/null
expect 0 '^role Operator$' "$keyway" directory test -c D/keyway.yaml dora --password-file dora
expect 0 '^[0-9]' signs_in dora dora
expect 1 Bad_UserAccessDenied "$keyway" directory test -c D/keyway.yaml dora --password-file nonsense

# A further service of our own: its tokens count as those of the first, before and after the keys change, and for its resources alone.
echo anna-password-2026 >anna
"$keyway" user add -d D anna --password-file anna --role Operator >/dev/null
expect 0 '^ey' token Line anna anna urn:test:server
cp out lines
expect 0 '^[0-9]' reads lines
expect 1 Bad_NotFound token Line anna anna urn:test:elsewhere
expect 0 'signs from now on' "$keyway" key rotate -d D --now
expect 0 '^ey' token Line anna anna urn:test:server
cp out later
expect 1 '' cmp -s <(cut -d. -f1 lines) <(cut -d. -f1 later) # another kid
expect 0 '^[0-9]' reads later
expect 0 '^[0-9]' reads lines

# Away, and back: nobody is told a password was wrong, and nobody has to start anything anew.
curl -sS --cacert web.crt -X POST "$provider/away" >/dev/null
expect 1 Bad_ResourceUnavailable token CompanyByKey dora dora urn:test:server
expect 1 'Bad_ResourceUnavailable' token CompanyByKey dora dora urn:test:server
grep -q 'provider refuses' authority.log || { echo "FAILED  nothing in the log of the authority"; failures=1; }
if grep -q 'pässword\|dora p' authority.log; then echo "FAILED  a password in the log of the authority"; failures=1; fi
verdict
