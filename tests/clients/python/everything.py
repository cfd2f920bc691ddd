"""Uses everything of a server behind a gateway with the official Python client: tools that ask, resources, prompts, completion, subscriptions.

    python everything.py URL legacy|2026-07-28 asking-tool
"""

import os
import sys

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client


async def elicited(context, params):
    wanted = params.requested_schema["properties"] if hasattr(params, "requested_schema") else {}
    content = {name: "Ada" if name != "email" else "ada@example.com" for name in wanted}
    return types.ElicitResult(action="accept", content=content)


async def sampled(context, params):
    text = types.TextContent(type="text", text="A sample.")
    return types.CreateMessageResult(role="assistant", content=text, model="none", stop_reason="endTurn")


def connected(url):
    """By itself, or through `dynmcp stdio`."""
    if "DYNMCP" not in os.environ:
        return streamable_http_client(url)
    server, instance = url.split("/mcp/")
    program = os.environ["DYNMCP"]
    return stdio_client(StdioServerParameters(command=program, args=["stdio", instance, "--server", server]))


def text(result):
    assert not result.is_error, result
    return result.content[0].text


async def main(url, mode, asking):
    callbacks = {"elicitation_callback": elicited, "sampling_callback": sampled}
    async with Client(connected(url), mode=mode, **callbacks) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else mode), client.protocol_version
        assert text(await client.call_tool("test_simple_text", {})).startswith("This is a simple text")
        if asking == "test_elicitation":
            assert "Ada" in text(await client.call_tool(asking, {"message": "Who?"}))
            assert "A sample." in text(await client.call_tool("test_sampling", {"prompt": "Say."}))
        else:
            assert text(await client.call_tool(asking, {})) == "Hello, Ada!"
            assert "A sample." in text(await client.call_tool("test_input_required_result_sampling", {}))
        resources = [str(resource.uri) for resource in (await client.list_resources()).resources]
        assert "test://static-text" in resources, resources
        read = await client.read_resource("test://static-text")
        assert read.contents[0].text, read
        templates = (await client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == ["test://template/{id}/data"], templates
        assert "123" in (await client.read_resource("test://template/123/data")).contents[0].text
        prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert "test_prompt_with_arguments" in prompts, prompts
        got = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
        assert "one" in got.messages[0].content.text, got
        reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
        completed = await client.complete(reference, {"name": "arg1", "value": "t"})
        assert completed.completion.values is not None, completed
        if mode == "legacy" and client.server_capabilities.resources.subscribe:
            await client.subscribe_resource("test://watched-resource")
            await client.unsubscribe_resource("test://watched-resource")
    print("done", flush=True)


anyio.run(main, *sys.argv[1:])
