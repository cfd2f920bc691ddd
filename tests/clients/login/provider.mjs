// An identity provider: people log in at its pages, clients register by themselves, tokens are for the resource that was asked for.
//
//   node provider.mjs PORT ALGORITHM KEY-ID
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [port, algorithm, kid] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${process.env.PROVIDER_TOOLS}/node_modules/oidc-provider/lib/index.js`));

const kinds = {
    ES: ['ec', { namedCurve: 'P-256' }],
    Ed: ['ed25519', {}],
    PS: ['rsa', { modulusLength: 2048 }],
    RS: ['rsa', { modulusLength: 2048 }],
};
const { privateKey } = generateKeyPairSync(...kinds[algorithm.slice(0, 2)]);
const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: algorithm, kid };

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ['of tests'] },
    scopes: ['openid', 'offline_access', 'mcp:tools', 'mcp:admin'],
    clientDefaults: { id_token_signed_response_alg: algorithm },
    clients: [
        {
            client_id: 'pipeline',
            client_secret: 'secret-of-the-pipeline',
            grant_types: ['client_credentials'],
            response_types: [],
            redirect_uris: [],
        },
        // Of people who sign in to the console, wherever it listens on this machine.
        {
            client_id: 'console',
            token_endpoint_auth_method: 'none',
            application_type: 'native',
            grant_types: ['authorization_code'],
            response_types: ['code'],
            redirect_uris: ['http://127.0.0.1/sign-in/callback'],
        },
        {
            client_id: 'gateway',
            client_secret: 'secret-of-the-gateway',
            grant_types: [],
            response_types: [],
            redirect_uris: [],
        },
    ],
    features: {
        devInteractions: { enabled: true },
        registration: { enabled: true },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
            enabled: true,
            useGrantedResource: () => true,
            getResourceServerInfo: (_context, resource) => ({
                audience: resource,
                scope: 'mcp:tools mcp:admin',
                accessTokenTTL: 600,
                // One instance has tokens that say nothing by themselves.
                accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
                jwt: { sign: { alg: algorithm } },
            }),
        },
    },
    pkce: { required: () => true },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // What people are is known by their names.
    extraTokenClaims: (_context, token) => ({ groups: [token.accountId ?? 'pipeline'] }),
});
provider.on('server_error', (_context, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
