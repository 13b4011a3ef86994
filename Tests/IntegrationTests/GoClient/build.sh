#!/bin/sh
# build.sh PROTOS OUT [PROGRAM.go]: makes OUT/client of main.go, or of the program named, with Debian's Go, its ttrpc library and that
# one's generator. All it makes is in OUT.
set -eu
protos=$1 out=$2 program=${3:-$(dirname "$0")/main.go}
mkdir -p "$out/in" "$out/src/client"
cp "$program" "$out/src/client/main.go"
# The generator knows no proto3 `optional`, nor what else is newer than it; a oneof of one member is the same on the wire.
cd "$protos"
for p in google/rpc/status grpc/health/v1/health messageexport/v1/message messageexport/v1/request messageexport/v1/ingestion; do
	mkdir -p "$out/in/${p%/*}"
	sed -E 's/^( *)optional (\w+) (\w+) = ([0-9]+);/\1oneof \3_presence { \2 \3 = \4; }/' "$p.proto" >"$out/in/$p.proto"
done
cd "$out/in"
generate() { # One Go package at a time.
	protoc -I . -I /usr/include \
		"--gogottrpc_out=plugins=ttrpc,Mgoogle/rpc/status.proto=google/rpc,Mgoogle/protobuf/any.proto=github.com/gogo/protobuf/types:$out/src" "$@"
}
generate google/rpc/status.proto
generate grpc/health/v1/health.proto
generate messageexport/v1/message.proto messageexport/v1/request.proto messageexport/v1/ingestion.proto
cd "$out/src/client"
GO111MODULE=off GOPATH="$out:/usr/share/gocode" GOCACHE="$out/cache" GOFLAGS='' CGO_ENABLED=0 go build -p 2 -o "$out/client" client
