// A token server, and an API that takes its tokens alone. Prints where both are, and ends with its standard input.
import { createServer } from 'node:http';

import { createLocalJWKSet, importSPKI, jwtVerify } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';

const [clientId, clientSecret, password, refreshToken, publicKey] = process.argv.slice(2);

const tokens = new OAuth2Server();
await tokens.issuer.keys.generate('RS256');
await tokens.start(0, '127.0.0.1');

let requests = 0;
const refreshTokens = new Set([refreshToken]);
// The server gives everybody a token; this one looks at who asks (RFC 6749, section 2.3.1).
tokens.service.on('beforeResponse', (response, request) => {
  requests += 1;
  const { body, headers } = request;
  const [scheme, encoded = ''] = (headers.authorization ?? '').split(' ');
  const [id, secret] =
    scheme === 'Basic'
      ? Buffer.from(encoded, 'base64').toString().split(':').map((half) => decodeURIComponent(half.replaceAll('+', ' ')))
      : [body.client_id, body.client_secret];
  const refuse = (statusCode, error, error_description) => Object.assign(response, { statusCode, body: { error, error_description } });
  if (id !== clientId || secret !== clientSecret) {
    refuse(401, 'invalid_client', `Nobody is called ${id}.`);
  } else if (body.grant_type === 'password' && body.password !== password) {
    refuse(400, 'invalid_grant', 'The password is wrong.');
  } else if (body.grant_type === 'refresh_token') {
    // Each is good for one time.
    if (!refreshTokens.delete(body.refresh_token)) {
      refuse(400, 'invalid_grant', 'The refresh token was used.');
    } else {
      refreshTokens.add(response.body.refresh_token);
    }
  }
});

const keys = createLocalJWKSet({ keys: tokens.issuer.keys.toJSON() });
const api = createServer(async (request, response) => {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/assertion') {
    return exchange(request, answer);
  }
  try {
    const { payload } = await jwtVerify(token, keys, { issuer: tokens.issuer.url });
    answer(200, { sub: payload.sub, scope: payload.scope, requests });
  } catch (error) {
    answer(401, { message: `No token of ours: ${error.code}` });
  }
});
// The token server knows nothing of assertions (RFC 7523, section 2.1), so this looks at them, and has the server sign a token.
async function exchange(request, answer) {
  const form = new URLSearchParams((await request.toArray()).join(''));
  try {
    const key = await importSPKI(publicKey, 'ES256');
    const { payload, protectedHeader } = await jwtVerify(form.get('assertion'), key, {
      issuer: 'graft@example',
      audience: `http://${request.headers.host}/assertion`,
      requiredClaims: ['exp', 'iat'],
      maxTokenAge: '10m',
    });
    const claims = { sub: payload.sub, scope: `${form.get('grant_type')} ${protectedHeader.kid}` };
    const access_token = await tokens.issuer.buildToken({ scopesOrTransform: (_header, token) => Object.assign(token, claims) });
    answer(200, { access_token, token_type: 'Bearer', expires_in: 3600 });
  } catch (error) {
    answer(400, { error: 'invalid_grant', error_description: `${error.code}: ${error.message}` });
  }
}
api.listen(0, '127.0.0.1', () => {
  const { port } = api.address();
  console.log(JSON.stringify({ token: `${tokens.issuer.url}/token`, url: `http://127.0.0.1:${port}` }));
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
