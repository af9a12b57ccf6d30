#!/bin/sh
# Restarts what serves, one process after the other: somebody is always there.
set -eu

systemctl restart shop-worker@1
systemctl restart shop-worker@2
for port in 8001 8002; do
    systemctl restart "shop-web@$port"
    until curl --silent --fail --output /dev/null --max-time 2 \
        -H "Host: shop.example" -H "X-Forwarded-Proto: https" "http://127.0.0.1:$port/"
    do
        sleep 0.2
    done
done
