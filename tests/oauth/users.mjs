// Users who sign in on the page: authorization_code with PKCE, with openid-client.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { Browser, password } from './browser.mjs'
import { check, finish } from './check.mjs'

const run = (...words) => execFileSync(process.env.KEYWAY, [...words, '-d', process.env.KEYWAY_DIR], { encoding: 'utf8' })
const keyway = (...words) => run(...words, 'alice')
const issuer = process.env.ISSUER
const redirect = 'http://127.0.0.1:4711/back'
const config = await oidc.discovery(new URL(issuer), 'desk', undefined, oidc.None())
const resource = 'urn:test:server'

async function request(more = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: 'openid profile',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    resource,
    ...more
  })
  return { url, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true } }
}

async function signedIn(more = {}) {
  const { url, checks } = await request(more)
  const answer = await new Browser().signIn(url, 'alice', password('alice'))
  assert.equal(answer.status, 303)
  return { back: new URL(answer.location), checks }
}

let tokens

await check('authorization_code with PKCE', async () => {
  const { back, checks } = await signedIn()
  assert.equal(back.origin + back.pathname, redirect)
  tokens = await oidc.authorizationCodeGrant(config, back, checks)
  assert.equal(tokens.claims().sub, 'alice')
  assert.equal(tokens.scope, 'openid profile')
})

await check('the access token is for the resource, with the Roles of the user', async () => {
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  const { payload } = await jwtVerify(tokens.access_token, keys, { issuer, audience: resource })
  assert.equal(payload.sub, 'alice')
  assert.deepEqual(payload.roles, ['Operator'])
})

await check('userinfo', async () => {
  const info = await oidc.fetchUserInfo(config, tokens.access_token, 'alice')
  assert.equal(info.preferred_username, 'alice')
})

await check('another port of this machine will do', async () => {
  const { url } = await request({ redirect_uri: 'http://127.0.0.1:50001/back' })
  const answer = await new Browser().signIn(url, 'alice', password('alice'))
  assert.ok(answer.location.startsWith('http://127.0.0.1:50001/back?code='))
})

await check('a code is good once', async () => {
  const { back, checks } = await signedIn()
  await oidc.authorizationCodeGrant(config, back, checks)
  await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' })
})

const looker = JSON.parse(readFileSync('looker.json', 'utf8'))
const observer = await oidc.discovery(new URL(issuer), looker.clientId, looker.clientSecret)
const isActive = async (token) => (await oidc.tokenIntrospection(observer, token)).active

await check('a code that is used twice: all that came from it is void', async () => {
  const { back, checks } = await signedIn()
  const first = await oidc.authorizationCodeGrant(config, back, checks)
  const second = await oidc.refreshTokenGrant(config, first.refresh_token)
  assert.ok((await isActive(first.access_token)) && (await isActive(second.access_token)))
  await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' })
  assert.equal(await isActive(first.access_token), false)
  assert.equal(await isActive(second.access_token), false)
  await assert.rejects(oidc.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' })
  assert.ok(await isActive(tokens.access_token)) // of another code
})

await check('keyway grant shows who may go on, and ends it', async () => {
  const { back, checks } = await signedIn()
  const first = await oidc.authorizationCodeGrant(config, back, checks)
  const list = () => JSON.parse(run('grant', 'list', '--client', 'desk', '--user', 'alice', '--json'))
  const before = list()
  assert.ok(before.length > 0)
  const { grant, lastUsed } = before.find((one) => decodeJwt(first.access_token).jti.startsWith(`${one.grant}.`))
  assert.equal(lastUsed, null)
  assert.deepEqual(JSON.parse(run('grant', 'revoke', grant, '--json')), { revoked: 1 })
  assert.equal(list().length, before.length - 1)
  await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
  assert.equal(await isActive(first.access_token), false)
  assert.ok(await isActive(tokens.access_token))
})

await check('a code without its verifier is refused', async () => {
  const { back, checks } = await signedIn()
  const stolen = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() }
  await assert.rejects(oidc.authorizationCodeGrant(config, back, stolen), { error: 'invalid_grant' })
  await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' }) // and gone
})

await check('another resource than was agreed to is refused', async () => {
  const { back, checks } = await signedIn()
  await assert.rejects(oidc.authorizationCodeGrant(config, back, checks, { resource: 'urn:else' }), { error: 'invalid_target' })
})

await check('a wrong password shows the page again', async () => {
  const { url } = await request()
  const answer = await new Browser().signIn(url, 'alice', '<b>wrong</b>')
  assert.equal(answer.status, 401)
  assert.equal(answer.location, null)
  assert.match(answer.text, /not right/)
  assert.doesNotMatch(answer.text, /wrong/)
})

await check('text of others is shown as text', async () => {
  const { url } = await request({ state: '"><script>alert(1)</script>' })
  const page = await new Browser().visit(url)
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /<script/)
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/)
})

await check('whoever cancels is led back', async () => {
  const { url, checks } = await request()
  const browser = new Browser()
  const answer = await browser.submit(url, await browser.visit(url), { do: 'cancel' })
  const back = new URL(answer.location)
  assert.equal(back.searchParams.get('error'), 'access_denied')
  assert.equal(back.searchParams.get('state'), checks.expectedState)
  assert.equal(back.searchParams.get('iss'), issuer)
})

await check('a form from elsewhere is refused', async () => {
  const { url } = await request()
  const page = await new Browser().visit(url)
  const answer = await new Browser().submit(url, page, { username: 'alice', password: password('alice'), do: 'sign-in' })
  assert.equal(answer.status, 400)
  assert.equal(answer.location, null)
})

for (const [name, more] of Object.entries({
  'an address that is not registered': { redirect_uri: 'https://evil.example/back' },
  'an unknown client': { client_id: 'nobody' }
})) {
  await check(`${name}: nobody is led anywhere`, async () => {
    const answer = await new Browser().visit((await request(more)).url)
    assert.equal(answer.status, 400)
    assert.equal(answer.location, null)
  })
}

for (const [error, more] of Object.entries({
  unsupported_response_type: { response_type: 'token' },
  invalid_request: { code_challenge_method: 'plain' },
  login_required: { prompt: 'none' }
})) {
  await check(`${error} is told to the application`, async () => {
    const answer = await new Browser().visit((await request(more)).url)
    assert.equal(answer.status, 303)
    assert.equal(new URL(answer.location).searchParams.get('error'), error)
  })
}

await check('refresh tokens are rotated', async () => {
  const { back, checks } = await signedIn()
  const first = await oidc.authorizationCodeGrant(config, back, checks)
  const second = await oidc.refreshTokenGrant(config, first.refresh_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  assert.equal(decodeJwt(second.access_token).sub, 'alice')
  const third = await oidc.refreshTokenGrant(config, second.refresh_token)
  await assert.rejects(oidc.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' }) // reuse ends all of it
  await assert.rejects(oidc.refreshTokenGrant(config, third.refresh_token), { error: 'invalid_grant' })
})

await check('a refresh token is revoked', async () => {
  const { back, checks } = await signedIn()
  const first = await oidc.authorizationCodeGrant(config, back, checks)
  await oidc.tokenRevocation(config, first.refresh_token)
  await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
})

await check('whoever is disabled renews nothing', async () => {
  const { back, checks } = await signedIn()
  const first = await oidc.authorizationCodeGrant(config, back, checks)
  keyway('user', 'disable')
  await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
  keyway('user', 'enable')
  await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
})

await check('the ID token says when and for whom', () => {
  const claims = decodeJwt(tokens.id_token)
  assert.equal(claims.aud, 'desk')
  assert.ok(claims.auth_time <= claims.iat)
})

finish()
