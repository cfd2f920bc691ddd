//! What `dynmcp --help` shows at its end.

/// Each does something by itself.
pub(super) const EXAMPLES: &str = "\
Examples:
  dynmcp demo                              see it work, with a sample API and tools for it
  dynmcp serve                             start with config/$RUN_MODE.toml, definitions in data/dynmcp.db
  dynmcp serve --config /etc/dynmcp.toml   start with this file
  APP__APP__PORT=9000 dynmcp serve         any key can come from the environment
  dynmcp config default > dynmcp.toml      a commented file to start from
  dynmcp config check --config dynmcp.toml
  dynmcp import openapi petstore.yaml --instance pets --dry-run
  dynmcp explain get_order id=7            which request a call makes, and why; as a curl line too
  dynmcp call support get_order id=7       call a tool as an MCP client does
  dynmcp repl support                      list, search, describe and call its tools, line by line
  dynmcp add docs https://docs.example.com/mcp --instance desk   show the tools of another MCP server
  dynmcp import mcp ~/.cursor/mcp.json --instance desk           those of all servers of a client's file
  dynmcp upstreams                         how they are doing
  dynmcp top --server https://gateway.example.com   watch a gateway on the terminal
  dynmcp events --types 'upstream.*'       what happens, as it happens
  dynmcp pin docs                          which of its tools are not as somebody approved them
  dynmcp stdio desk                        an instance for a client that starts its servers as programs
  dynmcp keys create --name claude --instance support             a key that opens this instance alone
  dynmcp roles put support-agent.yaml      what keys with this role may do
  dynmcp secrets put billing --upstream billing < key.txt        what this upstream's document names as ${secret:billing}
  dynmcp access explain claude support refund_order amount=2000  whether a call would be allowed, and by which rule
  dynmcp audit --principal claude --since 1h                     who did what, where audit.enabled is true
  dynmcp connect desk --client claude-desktop --write             into the client's own file, with a key made for it
  dynmcp clients desk                      what Claude, VS Code, Cursor and others want to be told of an instance
  dynmcp status                            how the gateway is doing; dynmcp quarantine: what cannot be used, and why
  dynmcp history tools get_order           the states it had; dynmcp diff, dynmcp rollback
  dynmcp config generate --template team > dynmcp.toml
  dynmcp migrate --check                   does the database have the tables of this version?
  dynmcp export definitions/               what is stored, as files for git
  dynmcp plan definitions/                 what applying them would do, and what clients would notice
  dynmcp test definitions/                 do the tools do what their examples say?
  dynmcp apply definitions/ --server https://gateway.example.com --owner team-a --prune
  dynmcp schema file --strict > .dynmcp.schema.json   what an editor completes and checks definitions with

Exit codes: 0 fine, 1 it could not be done, 2 the configuration or the command line is wrong,
3 `migrate --check` or `--detailed-exitcode` found something to do, 4 that breaks clients.";
