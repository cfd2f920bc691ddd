#!/bin/sh
# A service outside decides about calls that keys and roles allow. Needs `dynmcp` (or DYNMCP=path), python3 and curl; ports PORT (9180) and
# POLICY_PORT (9181).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dynmcp=${DYNMCP:-dynmcp}
port=${PORT:-9180}
policy_port=${POLICY_PORT:-9181}
url=http://127.0.0.1:$port
policy_url=http://127.0.0.1:$policy_port
work=$(mktemp -d)
admin=key-of-the-administrator
gateway= policy=
trap 'kill $gateway $policy 2>/dev/null || true; wait; rm -rf "$work"' EXIT INT TERM

start_policy() {
  python3 "$here/policy.py" "$policy_port" & policy=$!
  until curl -fs $policy_url/ >/dev/null; do sleep 0.1; done
}
cp -r "$here/definitions" "$work/"
start_policy
APP__APP__PORT=$port APP__APP__API_KEY=$admin APP__APP__DATA_DIR="$work" APP__LOG__LOG_LEVEL=warn APP__AUTHORIZER__HTTP__URL=$policy_url/decide \
  APP__DATA_SOURCE__FILE__PATH="$work/definitions" APP__DATA_SOURCE__FILE__WRITABLE=true \
  "$dynmcp" serve --config "$here/dynmcp.toml" >"$work/log" 2>&1 & gateway=$!
until curl -fs $url/readyz >/dev/null; do
  kill -0 $gateway 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.1
done

key() { DYNMCP_KEY=$admin "$dynmcp" keys create --name "$1" --instance shop --server $url 2>/dev/null; }
refund() { DYNMCP_KEY=$1 "$dynmcp" call shop refund_order id=4711 "amount=$2" --server $url 2>/dev/null || true; }

ann=$(key ann)
bob=$(key bob)
echo "-- both keys open the instance; the service lets ann pay back, until the budget is used up"
refund "$ann" 600
refund "$bob" 100
refund "$ann" 600
refund "$ann" 400
echo "-- the service is gone: no call is made"
kill $policy; wait $policy 2>/dev/null || true
refund "$ann" 1
echo "-- it is back, and so is the budget"
start_policy
refund "$ann" 600
