// Comes with a URL and nothing else, and logs in. Prints `open URL` for the person at the browser, and reads where that ended;
// prints `token …` and what it found, and `done` at the end.
//
//   node login.mjs URL CALLBACK TOOLS
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';

const require = createRequire(process.env.NODE_TOOLS);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = require('@modelcontextprotocol/client');
const [url, callback, tools] = process.argv.slice(2);

const known = {};
const authProvider = {
    redirectUrl: callback,
    clientMetadata: {
        client_name: 'dynmcp-test',
        application_type: 'native',
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
    },
    state: () => (known.state = randomUUID()),
    clientInformation: () => known.client,
    saveClientInformation: client => void (known.client = client),
    tokens: () => known.tokens,
    saveTokens: tokens => void (known.tokens = tokens),
    redirectToAuthorization: target => void (known.target = target),
    saveCodeVerifier: verifier => void (known.verifier = verifier),
    codeVerifier: () => known.verifier,
    discoveryState: () => known.discovery,
    saveDiscoveryState: state => void (known.discovery = state),
};
const connect = async transport => {
    const client = new Client({ name: 'dynmcp-test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(transport);
    return client;
};
const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider });

const first = transport();
await assert.rejects(connect(first), error => error instanceof UnauthorizedError);
assert.equal(known.target.searchParams.get('code_challenge_method'), 'S256');
assert.equal(known.target.searchParams.get('resource'), url);
console.log(`open ${known.target}`);

const lines = createInterface({ input: process.stdin });
const { value: ended } = await lines[Symbol.asyncIterator]().next();
lines.close();
const answer = new URL(ended).searchParams;
assert.equal(answer.get('state'), known.state);
await first.finishAuth(answer);

const client = await connect(transport());
const listed = (await client.listTools()).tools.map(tool => tool.name);
assert.deepEqual(listed, tools.split(','));
const called = await client.callTool({ name: listed[0], arguments: {} });
assert.equal(called.content[0].text, listed[0]);
await client.close();

console.log(`token ${known.tokens.access_token}`);
console.log('done');
process.exit(0);
