// Lists the tools of an instance with both official TypeScript clients and calls each of them without arguments. Prints
// one line for each client; anything unexpected ends it with a stack trace and exit code 1.
//
//   node lists.mjs URL KEY
import { createRequire } from 'node:module';

const load = createRequire(process.env.NODE_TOOLS);
const [url, key] = process.argv.slice(2);
const requestInit = { headers: { Authorization: `Bearer ${key}` } };
const packages = {
    '1.x': [load('@modelcontextprotocol/sdk/client/index.js'), load('@modelcontextprotocol/sdk/client/streamableHttp.js')],
    '2.x': [load('@modelcontextprotocol/client'), load('@modelcontextprotocol/client')],
    '2.x, 2026-07-28': [load('@modelcontextprotocol/client'), load('@modelcontextprotocol/client')],
};
for (const [label, [{ Client }, { StreamableHTTPClientTransport }]] of Object.entries(packages)) {
    const mode = label.includes('2026') ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {};
    const client = new Client({ name: 'dynmcp-test', version: '1.0.0' }, mode);
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    const { tools } = await client.listTools();
    for (const { name } of tools) {
        const result = await client.callTool({ name, arguments: {} });
        if (result.isError) throw new Error(`${label} ${name}: ${result.content[0].text}`);
    }
    console.log(`${label}: ${tools.length}`);
    await client.close();
}
