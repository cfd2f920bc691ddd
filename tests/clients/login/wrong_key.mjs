// Shows a wrong key, as people do whose client also knows how to log in at a company, with both official TypeScript clients. Prints one
// line with what each says of it.
//
//   node wrong_key.mjs URL KEY
import { createRequire } from 'node:module';

const load = createRequire(process.env.NODE_TOOLS);
const [url, key] = process.argv.slice(2);
const callback = 'http://127.0.0.1:9/callback';
const authProvider = {
    redirectUrl: callback,
    clientMetadata: { client_name: 'dynmcp-test', redirect_uris: [callback], token_endpoint_auth_method: 'none' },
    clientInformation: () => undefined,
    saveClientInformation: () => {},
    tokens: () => undefined,
    saveTokens: () => {},
    redirectToAuthorization: target => {
        throw new Error(`nobody can log in at ${target}`);
    },
    saveCodeVerifier: () => {},
    codeVerifier: () => '',
};
const requestInit = { headers: { Authorization: `Bearer ${key}` } };
const packages = {
    '1.x': [load('@modelcontextprotocol/sdk/client/index.js'), load('@modelcontextprotocol/sdk/client/streamableHttp.js')],
    '2.x': [load('@modelcontextprotocol/client'), load('@modelcontextprotocol/client')],
};
for (const [label, [{ Client }, { StreamableHTTPClientTransport }]] of Object.entries(packages)) {
    const client = new Client({ name: 'dynmcp-test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider, requestInit });
    const said = await client.connect(transport).then(
        () => 'connected',
        error => error.message
    );
    console.log(`${label}: ${said.replaceAll('\n', ' ')}`);
}
process.exit(0);
