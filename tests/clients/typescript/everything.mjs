// Uses everything of a server behind a gateway with the official TypeScript client: tools that ask, resources, prompts, completion.
//
//   node everything.mjs URL legacy|2026-07-28 asking-tool
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_TOOLS);
const { Client, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');
const [url, mode, asking] = process.argv.slice(2);

const client = new Client(
    { name: 'dynmcp-test', version: '1.0.0' },
    {
        capabilities: { elicitation: {}, sampling: {}, roots: {} },
        versionNegotiation: mode === 'legacy' ? undefined : { mode: { pin: mode } },
    }
);
client.setRequestHandler('elicitation/create', async ({ params }) => {
    const names = Object.keys(params.requestedSchema?.properties ?? {});
    return { action: 'accept', content: Object.fromEntries(names.map(name => [name, name === 'email' ? 'ada@example.com' : 'Ada'])) };
});
client.setRequestHandler('sampling/createMessage', async () => ({
    role: 'assistant',
    content: { type: 'text', text: 'A sample.' },
    model: 'none',
    stopReason: 'endTurn',
}));
client.setRequestHandler('roots/list', async () => ({ roots: [{ uri: 'file:///home/ada', name: 'home' }] }));
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
assert.equal(client.getNegotiatedProtocolVersion(), mode === 'legacy' ? '2025-11-25' : mode);

const text = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    assert.ok(!result.isError, JSON.stringify(result));
    return result.content[0].text;
};
assert.match(await text('test_simple_text', {}), /^This is a simple text/);
if (asking === 'test_elicitation') {
    assert.match(await text(asking, { message: 'Who?' }), /Ada/);
    assert.match(await text('test_sampling', { prompt: 'Say.' }), /A sample\./);
} else {
    assert.equal(await text(asking, {}), 'Hello, Ada!');
    assert.match(await text('test_input_required_result_sampling', {}), /A sample\./);
    assert.match(await text('test_input_required_result_list_roots', {}), /1 root/);
}
const { resources } = await client.listResources();
assert.ok(resources.some(resource => resource.uri === 'test://static-text'));
assert.ok((await client.readResource({ uri: 'test://static-text' })).contents[0].text);
const { prompts } = await client.listPrompts();
assert.ok(prompts.some(prompt => prompt.name === 'test_prompt_with_arguments'));
const prompt = await client.getPrompt({ name: 'test_prompt_with_arguments', arguments: { arg1: 'one', arg2: 'two' } });
assert.match(prompt.messages[0].content.text, /one/);
const completed = await client.complete({
    ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
    argument: { name: 'arg1', value: 't' },
});
assert.ok(Array.isArray(completed.completion.values));
await client.close();
console.log('done');
