#!/bin/sh
# Who may pay back how much: rules over the arguments of calls. Needs `dynmcp` (or DYNMCP=path) and curl; a port (PORT=9180).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dynmcp=${DYNMCP:-dynmcp}
port=${PORT:-9180}
url=http://127.0.0.1:$port
work=$(mktemp -d)
admin=key-of-the-administrator
gateway=
trap 'kill $gateway 2>/dev/null || true; wait; rm -rf "$work"' EXIT INT TERM

cp -r "$here/definitions" "$work/"
APP__APP__PORT=$port APP__APP__API_KEY=$admin APP__APP__DATA_DIR="$work" APP__LOG__LOG_LEVEL=warn \
  APP__APP__DATA_SOURCE=file APP__DATA_SOURCE__FILE__PATH="$work/definitions" APP__DATA_SOURCE__FILE__WRITABLE=true \
  "$dynmcp" serve >"$work/log" 2>&1 & gateway=$!
until curl -fs $url/readyz >/dev/null; do
  kill -0 $gateway 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.1
done

# A key with claims, which the command line has no option for: its name, its role, its regions.
key() {
  curl -fs -X POST $url/admin/keys -H "Authorization: Bearer $admin" -H "Content-Type: application/json" \
    -d "{\"name\": \"$1\", \"roles\": [\"$2\"], \"claims\": {\"regions\": $3}}" | sed 's/.*"key": *"\([^"]*\)".*/\1/'
}
refund() {
  who=$1; shift
  DYNMCP_KEY=$who "$dynmcp" call shop refund_order id=4711 "$@" --server $url 2>/dev/null || true
}
# Its exit code says whether the call would be allowed.
explain() { DYNMCP_KEY=$admin "$dynmcp" access explain "$@" --server $url || true; }

agent=$(key ann support-agent '["eu"]')
lead=$(key bob support-lead '["eu", "us"]')
echo "-- an agent pays back 240"
refund "$agent" amount=240 region=eu
echo "-- but not 2400, and nothing in another region: the answer says which rule it was, so that a model can do something about it"
refund "$agent" amount=2400 region=eu
refund "$agent" amount=240 region=us
echo "-- a lead may, but where the region is left out"
refund "$lead" amount=2400 region=us
refund "$lead" amount=2400
echo "-- nobody pays back less than nothing: the tool itself says so"
refund "$lead" amount=-5 region=us
echo "-- the same questions, without a call"
explain ann shop refund_order id=4711 amount=240 region=eu
explain ann shop refund_order id=4711 amount=2400 region=eu
