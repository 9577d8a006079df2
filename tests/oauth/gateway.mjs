// A gateway: it is given a user's token and exchanges it for one that names the server behind (RFC 8693).
import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import { check, finish } from './check.mjs'
import { readFileSync } from 'node:fs'

const issuer = process.env.ISSUER
const read = (file) => readFileSync(file, 'utf8').trim()
const gateway = await oidc.discovery(new URL(issuer), 'gateway', JSON.parse(read('gateway.json')).clientSecret)
const exchange = (token, more = {}) =>
  oidc.genericGrantRequest(gateway, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: 'urn:test:behind',
    ...more
  })

await check('a token for the gateway becomes one for the server behind', async () => {
  const answer = await exchange(read('for-gateway'))
  const claims = decodeJwt(answer.access_token)
  assert.equal(answer.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  assert.equal(claims.sub, 'alice')
  assert.equal(claims.aud, 'urn:test:behind')
  assert.deepEqual(claims.act, { sub: 'gateway' })
  assert.deepEqual(claims.roles, ['Operator'])
  assert.ok(claims.exp <= decodeJwt(read('for-gateway')).exp)
})

await check('a token for somebody else is not the gateway\'s to exchange', async () => {
  await assert.rejects(exchange(read('for-other')), { error: 'invalid_grant' })
})

await check('what is no token is refused', async () => {
  await assert.rejects(exchange('nonsense'), { error: 'invalid_grant' })
  await assert.rejects(exchange(read('for-gateway'), { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }), {
    error: 'invalid_request'
  })
  await assert.rejects(exchange(read('for-gateway'), { resource: 'urn:test:unknown' }), { error: 'invalid_target' })
})

finish()
