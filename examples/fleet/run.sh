#!/bin/sh
# Three servers behind one upstream, which also announce themselves; one of them dies. Needs `dynmcp` (or DYNMCP=path) and python3; ports 9101 to 9103 and 9180.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dynmcp=${DYNMCP:-dynmcp}
work=$(mktemp -d)
url=http://127.0.0.1:9180
export DYNMCP_KEY=key-of-the-fleet-example
running=
trap 'kill $running 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM

for port in 9101 9102 9103; do
  python3 "$here/server.py" $port $url & pid=$!
  running="$running $pid"
done
victim=$pid # the last one, 9103
for port in 9101 9102 9103; do
  until curl -fs http://127.0.0.1:$port/ >/dev/null; do sleep 0.1; done
done

mkdir "$work/definitions" && cp "$here/fleet.yaml" "$work/definitions/"
APP__APP__PORT=9180 APP__APP__API_KEY=$DYNMCP_KEY APP__APP__DATA_DIR="$work" APP__LOG__LOG_LEVEL=warn \
  APP__APP__DATA_SOURCE=file APP__DATA_SOURCE__FILE__PATH="$work/definitions" \
  APP__DISCOVERY='[{"type": "registration", "stale_after": 3}]' \
  "$dynmcp" serve >"$work/log" 2>&1 & running="$running $!"
until curl -fs $url/readyz >/dev/null; do sleep 0.1; done
"$dynmcp" events --server $url --types 'upstream.*,breaker.*,endpoint.*' --since 0 >"$work/events" 2>&1 & running="$running $!"

calls() {
  for id in 1 2 3 4 5 6; do "$dynmcp" call desk get_invoice id=$id --server $url | tr -d '\n '; echo; done
}
registered() {
  curl -fs -H "Authorization: Bearer $DYNMCP_KEY" $url/api/status | tr -d '\n '; echo
}
# Until the gateway has told of it.
happens() {
  until grep -q "$1" "$work/events"; do sleep 0.2; done
}
tools() {
  "$dynmcp" call found --server $url | grep -o 'who_is_[0-9]*' | sort -u | tr '\n' ' '
  echo
}

echo "-- six calls, one server after the other"
calls
echo "-- the servers have announced themselves: what the instance \`found\` shows is theirs"
until [ "$(tools | wc -w)" = 3 ]; do sleep 0.2; done
registered
tools
echo "-- 9103 dies; twelve more calls: nobody notices, and after three failures it gets none"
kill $victim
calls
calls
happens breaker.opened
echo "-- what the gateway knows of its endpoints"
"$dynmcp" upstreams --server $url
echo "-- nobody hears of 9103 any more: its registration ends, and its tool goes"
until [ "$(tools | wc -w)" = 2 ]; do sleep 0.2; done
registered
tools
happens endpoint.health_changed
echo "-- 9103 is back: probes find that out, and then one call closes its breaker"
python3 "$here/server.py" 9103 $url & running="$running $!"
until [ "$(tools | wc -w)" = 3 ]; do sleep 0.2; done
# It gets its share little by little.
until grep -q breaker.closed "$work/events"; do calls >/dev/null; sleep 0.5; done
calls
"$dynmcp" upstreams --server $url
echo "-- what happened, as the gateway told it meanwhile"
cat "$work/events"
