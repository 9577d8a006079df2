// node verify.mjs ISSUER CA TOKEN: whom an access token is about and for, if the keys of its issuer say that it is genuine.
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { createLocalJWKSet, jwtVerify } from 'jose'

const [issuer, caFile, tokenFile] = process.argv.slice(2)
const ca = readFileSync(caFile)
const fetchJson = (url) =>
  new Promise((resolve, reject) => {
    get(url, { ca }, async (response) => {
      let text = ''
      for await (const part of response) text += part
      resolve(JSON.parse(text))
    }).on('error', reject)
  })
const metadata = await fetchJson(`${issuer}/.well-known/openid-configuration`)
const keys = createLocalJWKSet(await fetchJson(metadata.jwks_uri))
const { payload } = await jwtVerify(readFileSync(tokenFile, 'utf8').trim(), keys, { issuer })
console.log(payload.sub, payload.aud)
