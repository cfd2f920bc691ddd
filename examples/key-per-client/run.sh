#!/bin/sh
# Each client has a key of its own: what it sees, how often it may call, and how it is taken away. Needs `dynmcp` (or DYNMCP=path) and curl; a port
# (PORT=9180).
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

as_admin() { DYNMCP_KEY=$admin "$dynmcp" "$@" --server $url; }
# What a client sees and gets; a refusal is an answer, too.
tools() { DYNMCP_KEY=$1 "$dynmcp" call shop --server $url 2>&1 | grep -o '[a-z]*_order' | sort -u | tr '\n' ' ' && echo; }
call() { DYNMCP_KEY=$1 "$dynmcp" call shop "$2" id=4711 --server $url 2>&1 || true; }

echo "-- a key for each client: one may read, five times a minute; the other may do everything"
support=$(as_admin keys create --name claude-support --instance shop --tool tag:read-only --rate 5/min 2>/dev/null)
desk=$(as_admin keys create --name order-desk --owner team-orders --instance shop --expires 90d 2>/dev/null)
echo "-- what each of them sees"
tools "$support"
tools "$desk"
echo "-- what is not shown cannot be called"
call "$support" cancel_order
call "$desk" cancel_order
echo "-- five calls a minute, and not one more"
for turn in 1 2 3 4 5 6; do call "$support" get_order; done
echo "-- who has a key"
as_admin keys list
echo "-- another secret for the first client: the old one is good for another day"
rotated=$(as_admin keys rotate claude-support --grace 24h 2>/dev/null)
tools "$support"
tools "$rotated"
echo "-- the key of the second client leaked: it opens nothing from the next request on"
as_admin keys inactivate order-desk
call "$desk" get_order
