#!/usr/bin/env bash
# `make run`: builds, starts the whole family with the example shop, sends real requests through it and stays in the
# foreground until Ctrl-C. Data is kept in .martlet (MARTLET_DATA_DIR overrides it); a second run finds it again.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-dependencies.sh run
martlet=$(scripts/build.sh)
data=${MARTLET_DATA_DIR:-$PWD/.martlet}
port=${MARTLET_SECURE_PORT:-6443}
http=${MARTLET_HTTP_PORT:-8080}
https=${MARTLET_HTTPS_PORT:-8443}
mkdir -p "$data"
chmod 700 "$data"

children=()
stop() {
    trap - INT TERM EXIT
    for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${children[@]}"; do wait "$pid" 2>/dev/null || true; done
    exit "${1:-0}"
}
trap 'stop 0' INT TERM
trap 'stop $?' EXIT

printf '\n==> Three kinds of backends (martlet echo)\n'
for backend in web-1=127.0.11.1:8001 web-2=127.0.11.2:8001 legacy=127.0.12.1:8002 cart-1=127.0.13.1:8003; do
    "$martlet" echo --name "${backend%%=*}" --listen "${backend#*=}" >>"$data/echo.log" 2>&1 &
    children+=($!)
    echo "    ${backend%%=*} on ${backend#*=}"
done

printf '\n==> martlet up\n'
"$martlet" up --local-only --data-dir "$data" --secure-port "$port" --http-port "$http" --https-port "$https" \
    --plain-status --ingress-controller martlet.dev/ingress --ingress-controller partner.example/ingress &
up=$!
children+=("$up")

export KUBECONFIG=$data/admin.kubeconfig
for _ in $(seq 150); do
    kill -0 "$up" 2>/dev/null || { wait "$up" || stop $?; stop 1; }
    curl -fsS --unix-socket "$data/api.sock" http://localhost/readyz >/dev/null 2>&1 && break
    sleep 0.1
done

printf '\n==> kubectl apply -f examples/shop\n'
# Older clients can only validate against a protobuf document; the server validates every field itself.
kubectl apply --validate=false -f examples/shop

wait_for() { # description, seconds, command…
    local what=$1 seconds=$2
    shift 2
    for _ in $(seq $((seconds * 10))); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    echo "    (still waiting for $what)"
}
ingress() { curl -fsS --max-time 5 -H "Host: $1" "http://127.0.0.1:$http$2"; }

kubectl -n shop wait --for=condition=Ready pod --all --timeout=30s >/dev/null
cluster_ip=$(kubectl -n shop get service web -o jsonpath='{.spec.clusterIP}')
wait_for "the cluster IP" 10 curl -fsS --max-time 2 "http://$cluster_ip:8000/"
wait_for "the Ingress" 10 ingress shop.example.com /
wait_for "the partners' Ingress" 10 ingress a.partners.example.com /
lb_ip=$(kubectl -n shop get service legacy -o jsonpath='{.status.loadBalancer.ingress[0].ip}')

request() { # description, curl arguments…
    local what=$1
    shift
    printf '    %-42s → %s\n' "$what" "$(curl -sS --max-time 5 "$@" 2>&1 | head -n 1)"
}
printf '\n==> Real requests\n'
request "cluster IP      http://$cluster_ip:8000/" "http://$cluster_ip:8000/"
request "cluster IP again" "http://$cluster_ip:8000/"
request "node port       http://127.0.0.1:30080/" http://127.0.0.1:30080/
request "load balancer   http://$lb_ip:8000/" "http://$lb_ip:8000/"
request "Ingress         shop.example.com/" -H 'Host: shop.example.com' "http://127.0.0.1:$http/"
request "Ingress         shop.example.com/cart" -H 'Host: shop.example.com' "http://127.0.0.1:$http/cart"
request "Ingress (other) a.partners.example.com/" -H 'Host: a.partners.example.com' "http://127.0.0.1:$http/"

cat <<TEXT

==> Try next (Ctrl-C here stops everything)
    export KUBECONFIG=$KUBECONFIG
    kubectl -n shop get svc,endpointslices,ingress,routetables
    kubectl -n shop describe ingress storefront
    curl -H 'Host: shop.example.com' http://127.0.0.1:$http/cart
    curl --unix-socket $data/api.sock http://localhost/api/v1/namespaces/shop/services

TEXT
wait "$up"
stop $?
