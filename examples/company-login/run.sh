#!/bin/sh
# People and programs come in with tokens of an identity provider. Needs `dynmcp` (or DYNMCP=path) and curl; ports 9180 and 9181.
#
# The identity provider is the one that the project's tests use (Node.js; `cargo xtask tools` installs it). With --stay it and the gateway stay up, for an MCP client
# that is told nothing but the URL.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
dynmcp=${DYNMCP:-dynmcp}
node=${NODE:-$root/.tools/node/bin/node}
port=${PORT:-9180}
issuer_port=${ISSUER_PORT:-9181}
url=http://127.0.0.1:$port
issuer=http://127.0.0.1:$issuer_port
work=$(mktemp -d)
running=
trap 'kill $running 2>/dev/null || true; wait; rm -rf "$work"' EXIT INT TERM

PROVIDER_TOOLS=${PROVIDER_TOOLS:-$root/.tools/provider} "$node" "$root/tests/clients/login/provider.mjs" "$issuer_port" RS256 key-1 >"$work/provider" 2>&1 & running=$!
until curl -fs $issuer/.well-known/openid-configuration >/dev/null; do
  kill -0 $running 2>/dev/null || { cat "$work/provider"; exit 1; }
  sleep 0.1
done
# Ports of one's own are said once, in a copy.
sed "s|127.0.0.1:9180|127.0.0.1:$port|; s|127.0.0.1:9181|127.0.0.1:$issuer_port|" "$here/dynmcp.toml" >"$work/dynmcp.toml"
APP__APP__PORT=$port APP__APP__API_KEY=key-of-the-administrator APP__APP__DATA_DIR="$work" APP__LOG__LOG_LEVEL=warn \
  APP__DATA_SOURCE__FILE__PATH="$here/definitions" \
  "$dynmcp" serve --config "$work/dynmcp.toml" >"$work/log" 2>&1 & gateway=$!
running="$running $gateway"
until curl -fs $url/readyz >/dev/null; do
  kill -0 $gateway 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.1
done

# One request to an instance: the status, then the answer.
ask() {
  curl -s -o "$work/answer" -w '%{http_code} ' -X POST "$url/mcp/$1" -H "Authorization: Bearer $2" -H "Content-Type: application/json" \
    -d "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"$3\", \"params\": $4}"
  cat "$work/answer"; echo
}

echo "-- a client that is told nothing but the URL learns where to log in"
curl -s -o /dev/null -D - -X POST $url/mcp/desk -H "Content-Type: application/json" -d '{"jsonrpc": "2.0", "id": 1, "method": "ping"}' | grep -i '^www-authenticate'
curl -fs $url/.well-known/oauth-protected-resource/mcp/desk; echo
echo "-- a program gets a token for this instance, by its own credentials"
token=$(curl -fs -u pipeline:secret-of-the-pipeline $issuer/token -d grant_type=client_credentials -d scope=mcp:tools --data-urlencode "resource=$url/mcp/desk" \
  | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
echo "-- it sees what its group may use, and nothing else"
ask desk "$token" tools/list '{}' | grep -o '"name":"[a-z_]*"' | sort -u
ask desk "$token" tools/call '{"name": "get_order", "arguments": {}}'
ask desk "$token" tools/call '{"name": "drop_orders", "arguments": {}}'
echo "-- for another instance the token is none, and without one nobody comes in"
ask other "$token" tools/list '{}'
ask desk not-a-token tools/list '{}'

if [ "${1:-}" = --stay ]; then
  echo "-- $url/mcp/desk is up: log in as \`lead\` (any password), or as anybody else, who may do nothing. Ctrl-C ends it"
  wait
fi
