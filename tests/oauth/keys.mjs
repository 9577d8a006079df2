// node keys.mjs NAME [ALGORITHM]: a key pair; NAME.jwks has the public half, NAME.jwk the private one.
import { writeFileSync } from 'node:fs'
import { exportJWK, generateKeyPair } from 'jose'

const [, , name, alg = 'ES256'] = process.argv
const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
const common = { kid: name, alg, use: 'sig' }
writeFileSync(`${name}.jwks`, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...common }] }))
writeFileSync(`${name}.jwk`, JSON.stringify({ ...(await exportJWK(privateKey)), ...common }))
