// Drives a gateway with the official TypeScript client. Prints `ready` when it waits for the list to change and
// `done` at the end; anything unexpected ends it with a stack trace and exit code 1. How it reaches the gateway is what the
// variable `WAY` says.
//
//   node driver.mjs URL KEY legacy|auto|2026-07-28
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_TOOLS);
const { Client, ProtocolError, SSEClientTransport, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');
const { StdioClientTransport } = require('@modelcontextprotocol/client/stdio');
const [url, key, mode] = process.argv.slice(2);
const modern = mode !== 'legacy';
const negotiation = { legacy: undefined, auto: { mode: 'auto' } };

let reportChange;
const changed = new Promise(resolve => (reportChange = resolve));
const client = new Client(
    { name: 'dynmcp-test', version: '1.0.0' },
    {
        versionNegotiation: mode in negotiation ? negotiation[mode] : { mode: { pin: mode } },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => reportChange() } },
    }
);
const failures = [];
client.onerror = error => failures.push(error);

const requestInit = { headers: { Authorization: `Bearer ${key}` } };
const [server, instance] = url.split('/mcp/');
const ways = {
    http: () => new StreamableHTTPClientTransport(new URL(url), { requestInit }),
    sse: () => new SSEClientTransport(new URL(url), { requestInit }),
    stdio: () =>
        new StdioClientTransport({
            command: process.env.DYNMCP,
            args: ['stdio', instance, '--server', server],
            env: { DYNMCP_KEY: key },
        }),
};
await client.connect(ways[process.env.WAY]());
assert.equal(client.getNegotiatedProtocolVersion(), modern ? '2026-07-28' : '2025-11-25');
assert.equal(client.getServerCapabilities().tools.listChanged, true);

const names = async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(tool => tool.name);
assert.deepEqual(await names(), ['get_order', 'create_order', 'broken', 'tenant_report']);

const order = await client.callTool({ name: 'get_order', arguments: { id: 'A/7 ü' } });
assert.deepEqual(order.structuredContent, { id: 'A/7 ü', state: 'shipped', total: 42.5, items: [{ sku: 'x1', count: 2 }] });
assert.deepEqual(JSON.parse(order.content[0].text), order.structuredContent);
assert.ok(!order.isError);

const sent = { customer: 'Ada', vip: true, lines: [{ sku: 'x1', count: 2 }], note: { text: '"quoted"' } };
const created = await client.callTool({ name: 'create_order', arguments: sent });
assert.deepEqual(created.structuredContent, { created: true, order: sent });

const broken = await client.callTool({ name: 'broken', arguments: {} });
assert.equal(broken.isError, true);
assert.match(broken.content[0].text, /503/);

const invalid = await client.callTool({ name: 'create_order', arguments: { customer: 7 } });
assert.equal(invalid.isError, true);
assert.match(invalid.content[0].text, /\/customer/);

await assert.rejects(
    client.callTool({ name: 'no_such_tool', arguments: {} }),
    error => error instanceof ProtocolError && error.code === -32602
);

// Mirrored into a header by modern clients, and not plain ASCII: checked against the body by the gateway.
const report = await client.callTool({ name: 'tenant_report', arguments: { tenant: 'Zürich' } });
assert.deepEqual(report.structuredContent, { tenant: 'Zürich' });

console.log('ready');
const deadline = setTimeout(() => {
    console.error('no tools/list_changed within 10 s of the change');
    process.exit(1);
}, 10_000);
await changed;
clearTimeout(deadline);
assert.deepEqual(await names(), ['get_order', 'create_order', 'broken', 'tenant_report', 'late_tool']);

await client.close();
// Over HTTP+SSE an answer may overtake the 202 of its own POST, which closing then aborts.
const isOvertaken = error => process.env.WAY === 'sse' && error.name === 'AbortError';
assert.deepEqual(failures.filter(error => !isOvertaken(error)).map(String), [], 'errors outside of requests');
console.log('done');
