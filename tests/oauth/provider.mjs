// node provider.mjs KEY CERT [CLIENT_JWK]: an OpenID provider that somebody else wrote, over HTTPS on a free port. POST /rotate gives it
// new keys; POST /away and /back make it answer 503 to all who ask for a token, and not.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createLocalJWKSet, exportJWK, generateKeyPair, importSPKI, jwtVerify } from 'jose'
import { errors, Provider } from 'oidc-provider'

const [key, cert, clientKey] = process.argv.slice(2).map((file) => readFileSync(file))
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const users = { dora: { password: 'dora pässword&+%', groups: ['fitters'], roles: ['op'] }, emil: { password: 'emil-secret', groups: [], roles: [] } }
const audience = 'urn:test:server'
let handle
let isAway = false
let keys = []
let round = 0

async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  round++
  return { ...(await exportJWK(privateKey)), kid: `key-${round}`, alg: 'RS256', use: 'sig' }
}

// Grants that the library leaves to others: of a password (RFC 6749, 4.3), and of a token for another one (RFC 8693).
async function tokensFor(provider, ctx, accountId) {
  const { client, params } = ctx.oidc
  const token = new provider.AccessToken({ accountId, client, grantId: 'none', gty: 'password', scope: 'read' })
  const info = { scope: 'read', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } } }
  token.resourceServer = new provider.ResourceServer(audience, info)
  ctx.oidc.entity('AccessToken', token)
  ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType }
  if ((params.scope ?? '').split(' ').includes('openid')) {
    const id = new provider.IdToken({ sub: accountId, groups: users[accountId].groups, realm: { roles: users[accountId].roles } }, { ctx })
    id.scope = 'openid'
    id.set('groups', users[accountId].groups)
    id.set('realm', { roles: users[accountId].roles })
    ctx.body.id_token = await id.issue({ use: 'idtoken' })
  }
}

function checkTarget({ resource }) {
  if (resource !== undefined && resource !== audience) throw new errors.InvalidTarget()
}

function addGrants(provider, issuer) {
  provider.registerGrantType('password', async (ctx) => {
    const { username, password } = ctx.oidc.params
    checkTarget(ctx.oidc.params)
    if (users[username]?.password !== password) throw new errors.InvalidGrant('no such user, or another password')
    await tokensFor(provider, ctx, username)
  }, ['username', 'password', 'scope', 'resource'])
  provider.registerGrantType(exchange, async (ctx) => {
    checkTarget(ctx.oidc.params)
    const known = createLocalJWKSet({ keys: keys.map(({ kty, n, e, kid, alg }) => ({ kty, n, e, kid, alg })) })
    const verified = await jwtVerify(ctx.oidc.params.subject_token, known, { issuer }).catch(() => null)
    if (verified === null) throw new errors.InvalidRequest('the subject_token is not ours')
    await tokensFor(provider, ctx, verified.payload.sub)
  }, ['subject_token', 'subject_token_type', 'requested_token_type', 'scope', 'resource'])
}

async function clients() {
  const rest = { grant_types: ['password', exchange], redirect_uris: [], response_types: [] }
  const list = [
    { client_id: 'carol', client_secret: 'carol-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
    { client_id: 'plant', client_secret: 'plant:secret/+%', ...rest }
  ]
  if (clientKey !== undefined) {
    const jwk = await exportJWK(await importSPKI(clientKey.toString(), 'ES256'))
    list.push({ client_id: 'plant-key', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, ...rest })
  }
  return list
}

// The newest signs; the one before it is still published.
async function rotate(issuer) {
  keys = [await newKey(), ...keys].slice(0, 2)
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: await clients(),
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({ scope: 'read', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } } })
      }
    },
    extraTokenClaims: (ctx, token) => ({ roles: users[token.accountId]?.roles ?? ['op'] })
  })
  addGrants(provider, issuer)
  handle = provider.callback()
}

const server = createServer({ key, cert }, async (request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    await rotate(`https://localhost:${server.address().port}`)
    response.end('rotated\n')
  } else if (request.method === 'POST' && (request.url === '/away' || request.url === '/back')) {
    isAway = request.url === '/away'
    response.end('\n')
  } else if (isAway && request.url === '/token') {
    response.writeHead(503).end('away\n')
  } else {
    handle(request, response)
  }
})
server.listen(0, '127.0.0.1', async () => {
  const issuer = `https://localhost:${server.address().port}`
  await rotate(issuer)
  console.log(`ready ${issuer}`)
})
