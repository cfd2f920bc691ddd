// Drives a gateway over a WebSocket with the official TypeScript client that still speaks it. Prints `done` at the end; anything
// unexpected ends it with a stack trace and exit code 1.
//
//   node websocket.mjs URL KEY
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_TOOLS);
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { WebSocketClientTransport } = require('@modelcontextprotocol/sdk/client/websocket.js');

const client = new Client({ name: 'dynmcp-test', version: '1.0.0' });
const failures = [];
client.onerror = error => failures.push(error);
await client.connect(new WebSocketClientTransport(new URL(process.argv[2])));

const names = (await client.listTools()).tools.map(tool => tool.name);
assert.deepEqual(names, ['get_order', 'create_order', 'broken', 'tenant_report']);
const order = await client.callTool({ name: 'get_order', arguments: { id: 'A/7 ü' } });
assert.deepEqual(order.structuredContent, { id: 'A/7 ü', state: 'shipped', total: 42.5, items: [{ sku: 'x1', count: 2 }] });
const broken = await client.callTool({ name: 'broken', arguments: {} });
assert.equal(broken.isError, true);
await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), error => error.code === -32602);

await client.close();
assert.deepEqual(failures.map(String), [], 'errors outside of requests');
console.log('done');
