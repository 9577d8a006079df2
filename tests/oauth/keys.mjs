// node keys.mjs NAME: a key pair; NAME.jwks has the public half, NAME.jwk the private one.
import { writeFileSync } from 'node:fs'
import { exportJWK, generateKeyPair } from 'jose'

const name = process.argv[2]
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const common = { kid: name, alg: 'ES256', use: 'sig' }
writeFileSync(`${name}.jwks`, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...common }] }))
writeFileSync(`${name}.jwk`, JSON.stringify({ ...(await exportJWK(privateKey)), ...common }))
