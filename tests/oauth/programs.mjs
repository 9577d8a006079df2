// Programs that speak for themselves, with openid-client; what they get is verified with jose.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, importJWK, jwtVerify, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import { check, finish } from './check.mjs'

const issuer = process.env.ISSUER
const read = (file) => JSON.parse(readFileSync(file, 'utf8'))
const secret = read('secret.json').clientSecret
const jwk = read('signer.jwk')
const key = await importJWK(jwk, 'ES256')
const resource = 'urn:test:server'

let config
let answer

await check('discovery', async () => {
  config = await oidc.discovery(new URL(issuer), 'by-secret', secret)
  assert.equal(config.serverMetadata().issuer, issuer)
})

await check('RFC 8414 metadata', async () => {
  const other = await oidc.discovery(new URL(issuer), 'by-secret', secret, undefined, { algorithm: 'oauth2' })
  assert.equal(other.serverMetadata().token_endpoint, `${issuer}/token`)
})

await check('client_credentials with a secret', async () => {
  answer = await oidc.clientCredentialsGrant(config, { resource })
  assert.equal(answer.token_type, 'bearer')
  assert.ok(answer.expires_in > 0)
})

await check('the token is verified by the keys of the metadata', async () => {
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  const { payload } = await jwtVerify(answer.access_token, keys, { issuer, audience: resource })
  assert.equal(payload.sub, 'urn:test:robot')
  assert.equal(payload.client_id, 'by-secret')
  assert.deepEqual(payload.roles, ['Operator'])
})

await check('client_credentials with private_key_jwt', async () => {
  const signer = await oidc.discovery(new URL(issuer), 'by-key', undefined, oidc.PrivateKeyJwt({ key, kid: jwk.kid }))
  const { access_token } = await oidc.clientCredentialsGrant(signer, { resource })
  assert.ok(access_token)
})

// What runs with each of the other algorithms: the keys of clients, and our own.
for (const alg of ['ES384', 'EdDSA']) {
  const own = read(`${alg}.jwk`)
  const ownKey = await importJWK(own, alg)

  await check(`private_key_jwt with ${alg}`, async () => {
    const signer = await oidc.discovery(new URL(issuer), `by-${alg}`, undefined, oidc.PrivateKeyJwt({ key: ownKey, kid: own.kid }))
    const { access_token } = await oidc.clientCredentialsGrant(signer, { resource })
    assert.ok(access_token)
  })

  await check(`a token signed with ${alg} is verified by the published key`, async () => {
    execFileSync(process.env.KEYWAY, ['key', 'rotate', '-d', process.env.KEYWAY_DIR, '--now', '--alg', alg])
    const { access_token } = await oidc.clientCredentialsGrant(config, { resource })
    const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
    const { payload, protectedHeader } = await jwtVerify(access_token, keys, { issuer, audience: resource })
    assert.equal(protectedHeader.alg, alg)
    assert.equal(payload.client_id, 'by-secret')
  })
}

const assertion = (claims, signWith = key) =>
  new SignJWT({ jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: jwk.kid })
    .setIssuedAt()
    .sign(signWith)

async function present(text) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: text
    })
  })
  return { status: response.status, body: await response.json() }
}

const now = Math.floor(Date.now() / 1000)
const good = { iss: 'by-key', sub: 'by-key', aud: issuer, exp: now + 60 }

await check('an assertion is good once', async () => {
  const text = await assertion(good)
  assert.equal((await present(text)).status, 200)
  const again = await present(text)
  assert.equal(again.status, 401)
  assert.equal(again.body.error, 'invalid_client')
})

for (const [name, claims] of Object.entries({
  'for another audience': { ...good, aud: 'https://elsewhere.example' },
  'that has expired': { ...good, exp: now - 3600 },
  'that is good for days': { ...good, exp: now + 864000 },
  'about another client': { ...good, sub: 'by-secret' },
  'of another issuer': { ...good, iss: 'by-secret' },
  'without jti': { ...good, jti: undefined }
})) {
  await check(`an assertion ${name} is refused`, async () => {
    const { status, body } = await present(await assertion(claims))
    assert.equal(status, 401)
    assert.equal(body.error, 'invalid_client')
  })
}

await check('a wrong secret is refused', async () => {
  const wrong = await oidc.discovery(new URL(issuer), 'by-secret', 'wrong')
  await assert.rejects(oidc.clientCredentialsGrant(wrong, { resource }), { error: 'invalid_client' })
})

// --- looking into tokens, and giving them back ---------------------------------------------------------------------------------

const looker = await oidc.discovery(new URL(issuer), 'looker', read('looker.json').clientSecret)

await check('introspection by a resource server', async () => {
  const seen = await oidc.tokenIntrospection(looker, answer.access_token)
  assert.equal(seen.active, true)
  assert.equal(seen.sub, 'urn:test:robot')
  assert.equal(seen.client_id, 'by-secret')
  assert.equal(seen.aud, resource)
  assert.deepEqual(seen.roles, ['Operator'])
})

await check('a client sees its own tokens, and no others', async () => {
  assert.equal((await oidc.tokenIntrospection(config, answer.access_token)).active, true)
  const signer = await oidc.discovery(new URL(issuer), 'by-key', undefined, oidc.PrivateKeyJwt({ key, kid: jwk.kid }))
  assert.deepEqual(await oidc.tokenIntrospection(signer, answer.access_token), { active: false })
})

await check('what is no token is not active', async () => {
  const [header, claims] = answer.access_token.split('.')
  for (const text of ['nonsense', `${header}.${claims}.AAAA`, await assertion(good)]) {
    assert.deepEqual(await oidc.tokenIntrospection(looker, text), { active: false })
  }
})

await check('another client cannot revoke it', async () => {
  await oidc.tokenRevocation(looker, answer.access_token)
  assert.equal((await oidc.tokenIntrospection(looker, answer.access_token)).active, true)
})

await check('a revoked token is not active', async () => {
  await oidc.tokenRevocation(config, answer.access_token)
  assert.deepEqual(await oidc.tokenIntrospection(looker, answer.access_token), { active: false })
  await oidc.tokenRevocation(config, answer.access_token)
})

finish()
