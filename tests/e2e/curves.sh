#!/usr/bin/env bash
# Elliptic curves: applications with keys of each kind make channels and Sessions by the policies that fit, and by no other ones.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo adminpw-2026 >admin
node=i=2258 # CurrentTime

# whole installations: key type, policies
while read -r type policies; do
    "$keyway" init "$type" --port 0 --key-type "$type" --admin-password-file admin >/dev/null
    start "$type" "$keyway" serve -c "$type/keyway.yaml"
    for policy in $policies; do
        expect 0 "SignAndEncrypt +$policy " "$keyway" endpoints "$url" -d "$type"
        for mode in sign encrypt; do
            expect 0 '^20[0-9][0-9]-' "$keyway" read "$url" -d "$type" --policy "$policy" --mode "$mode" --user admin --password-file admin "$node"
        done
    done
    expect 1 Bad_SecurityPolicyRejected "$keyway" read "$url" -d "$type" --policy Basic256Sha256 --user admin --password-file admin "$node"
    kill "$pid"
done <<'ROWS'
ec-p256 ECC_nistP256
ec-p384 ECC_nistP384 ECC_nistP256
ec-bp384 ECC_brainpoolP384r1 ECC_brainpoolP256r1
ed25519 ECC_curve25519
ed448 ECC_curve448
ROWS

# with proofs that are bound to the channel
for pair in "ec-p256 ECC_nistP256_AesGcm" "ed25519 ECC_curve25519_ChaChaPoly"; do
    read -r type policy <<<"$pair"
    sed "s/policies: .*/policies: [$policy]/" "$type/keyway.yaml" >"$type/bound.yaml"
    start bound "$keyway" serve -c "$type/bound.yaml"
    expect 0 '^20[0-9][0-9]-' "$keyway" read "$url" -d "$type" --policy "$policy" --user admin --password-file admin "$node"
    kill "$pid"
done

# a Client with another kind of key finds no endpoint; one that is made with `cert create` is as good as one of `init`
start server "$keyway" serve -c ec-p256/keyway.yaml
"$keyway" cert create -d ec-p256 --out other --key-type ec-bp256 --uri urn:test:other >/dev/null
"$keyway" cert create -d ec-p256 --out second --key-type ec-p384 --uri urn:test:second >/dev/null
"$keyway" cert trust -d ec-p256 ec-p256/own/second.crt >/dev/null
with() { "$keyway" read "$url" -d ec-p256 --cert "ec-p256/own/$1.crt" --key "ec-p256/own/$1.key" --user admin --password-file admin "$node"; }
expect 1 Bad_SecurityPolicyRejected with other
expect 0 '^20[0-9][0-9]-' with second

# mistakes
expect 2 key-type "$keyway" init wrong --key-type ec-p257
expect 2 key-type "$keyway" cert create -d ec-p256 --out wrong --key-type dsa
sed 's/policies: .*/policies: [Basic256Sha256]/' ec-p256/keyway.yaml >ec-p256/rsa.yaml
expect 1 'fits none of security.policies' "$keyway" serve -c ec-p256/rsa.yaml
verdict
