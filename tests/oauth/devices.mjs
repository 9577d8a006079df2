// Machines without a browser: the device flow, with openid-client.
import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import { Browser, password } from './browser.mjs'
import { check, finish } from './check.mjs'

const issuer = process.env.ISSUER
const config = await oidc.discovery(new URL(issuer), 'panel', undefined, oidc.None())
const start = () => oidc.initiateDeviceAuthorization(config, { scope: 'openid', resource: 'urn:test:server' })
const ask = (device_code) => oidc.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', { device_code })

async function answer(code, values) {
  const browser = new Browser()
  const url = `${issuer}/device`
  return browser.submit(url, await browser.visit(url), { user_code: code, ...values })
}

const alice = { username: 'alice', password: password('alice'), do: 'sign-in' }

await check('somebody signs in for the machine', async () => {
  const device = await start()
  await assert.rejects(ask(device.device_code), { error: 'authorization_pending' })
  await assert.rejects(ask(device.device_code), { error: 'slow_down' })
  const page = await answer(device.user_code.toLowerCase(), alice)
  assert.match(page.text, /Signed in/)
  const tokens = await ask(device.device_code)
  assert.equal(decodeJwt(tokens.access_token).sub, 'alice')
  assert.deepEqual(decodeJwt(tokens.access_token).roles, ['Operator'])
  await assert.rejects(ask(device.device_code), { error: 'expired_token' })
})

await check('openid-client waits by itself', async () => {
  const device = await start()
  await answer(device.user_code, alice)
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 })
  assert.equal(decodeJwt(tokens.access_token).sub, 'alice')
})

await check('a wrong password and a wrong code let nobody in', async () => {
  const device = await start()
  assert.match((await answer(device.user_code, { ...alice, password: 'no' })).text, /not right/)
  assert.match((await answer('BBBB-BBBB', alice)).text, /no such code/)
  await assert.rejects(ask(device.device_code), { error: 'authorization_pending' })
})

await check('refused', async () => {
  const device = await start()
  await answer(device.user_code, { do: 'refuse' })
  await assert.rejects(ask(device.device_code), { error: 'access_denied' })
})

finish()
