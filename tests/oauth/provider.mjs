// node provider.mjs KEY CERT: an OpenID provider that somebody else wrote, over HTTPS on a free port. POST /rotate gives it new keys.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

const [key, cert] = process.argv.slice(2).map((file) => readFileSync(file))
const audience = 'urn:test:server'
let handle
let keys = []
let round = 0

async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  round++
  return { ...(await exportJWK(privateKey)), kid: `key-${round}`, alg: 'RS256', use: 'sig' }
}

// The newest signs; the one before it is still published.
async function rotate(issuer) {
  keys = [await newKey(), ...keys].slice(0, 2)
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [{ client_id: 'carol', client_secret: 'carol-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({ scope: 'read', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } } })
      }
    },
    extraTokenClaims: () => ({ roles: ['op'] })
  })
  handle = provider.callback()
}

const server = createServer({ key, cert }, async (request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    await rotate(`https://localhost:${server.address().port}`)
    response.end('rotated\n')
  } else {
    handle(request, response)
  }
})
server.listen(0, '127.0.0.1', async () => {
  const issuer = `https://localhost:${server.address().port}`
  await rotate(issuer)
  console.log(`ready ${issuer}`)
})
