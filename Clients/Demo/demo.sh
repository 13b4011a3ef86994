#!/usr/bin/env bash
# The main job on real input: demo.sh BIN, where BIN holds the built msgexportd and msgexport.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
PATH="$1:$PATH"
mails=/usr/lib/python3.11/test/test_email/data
root=$(mktemp -d /tmp/message-export-demo-XXXXXX)
archive=$root/archive
export MESSAGE_EXPORT_SOCKET=$root/msgexportd.sock

# Bold and dim on a terminal, plain in a file.
bold='' dim='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; "$@"; }

step "1. Start the daemon in $root"
mkdir "$archive"
msgexportd --data "$root/data" --socket "$MESSAGE_EXPORT_SOCKET" --master-key "$root/master.key" 2>"$root/msgexportd.log" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    msgexport status >/dev/null 2>&1 && break
    kill -0 "$daemon" 2>/dev/null || { cat "$root/msgexportd.log"; exit 1; }
    sleep 0.1
done
show msgexport status
echo "Nobody may do anything with messages yet, the one who runs the daemon neither. An administrator, which that one is, gives roles:"
show msgexport access grant sender operator auditor --user "$(id -un)"

step "2. Three channel configurations: two are flagged for message export, one is not"
show msgexport configuration create newsletter --channel email --message-export on --submit
show msgexport configuration create reminders --channel sms --message-export on --submit
show msgexport configuration create internal --channel email --submit

step "3. A sender hands over 47 real mails (the test data of CPython's email package)"
echo "One of them has no header at all: it is no mail, is named, and the rest goes on."
status=0
show msgexport ingest email --configuration newsletter "$mails"/*.txt 2>&1 || status=$?
[ "$status" -eq 3 ] || { echo "expected exit code 3 for the one that is no mail, not $status"; exit 1; }

step "4. ... and SMS in several scripts"
number=0
while IFS= read -r text; do
    number=$((number + 1))
    printf '%s' "$text" | show msgexport ingest sms --configuration reminders --from 24365 --to "+1202555010$number" -
done <"$here/sms.txt"

step "5. The same again is a duplicate; what an unflagged configuration sends is not kept"
show msgexport ingest email --configuration newsletter "$mails/msg_01.txt"
show msgexport ingest email --configuration internal "$mails/msg_01.txt"

show msgexport dataset show
show msgexport dataset preview -n 3
show msgexport ingest email --configuration newsletter --message-id kept-as-sent "$mails/msg_02.txt"
msgexport dataset get kept-as-sent --eml | cmp - "$mails/msg_02.txt"
echo "msgexport dataset get kept-as-sent --eml gives the file back, byte for byte"

step "6. Export what is stored to a folder, as JSON"
show msgexport organization approve local-root "$archive"
show msgexport destination create archive --type local --path "$archive"
show msgexport dataflow create daily --destination archive --format json
show msgexport dataflow run daily --wait

step "7. Check the manifest with tools that know nothing of this product"
manifest=$(find "$archive" -name 'manifest-*.json')
folder=$(dirname "$manifest")
python3 -m json.tool "$manifest"
python3 - "$manifest" >"$root/SHA256SUMS" <<'PY'
import json, sys
for file in json.load(open(sys.argv[1]))["exportResults"]:
    print(f'{file["sha256"]}  {file["name"]}')
PY
(cd "$folder" && show sha256sum --check "$root/SHA256SUMS")
promised=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["records"]["exported"])' "$manifest")
delivered=$(zcat "$folder"/*.json.gz | wc -l)
echo "records in the manifest: $promised, lines in the files: $delivered"
[ "$promised" -eq "$delivered" ] && [ "$delivered" -eq $((47 + number)) ]

step "8. Two exported records: the first mail, the last SMS"
zcat "$folder"/*.json.gz | sed -n '1p' | python3 -m json.tool --no-ensure-ascii
zcat "$folder"/*.json.gz | tail -n 1 | python3 -m json.tool --no-ensure-ascii

step "9. Nothing of it is readable on disk"
if grep -rq "Do you like this message" "$root/data"; then echo "plain text found in the data folder"; exit 1; fi
echo "grep finds no text of the first mail below $root/data"

step "10. Who did what, in chains of events that nobody can change unseen"
show msgexport audit list -n 5
show msgexport audit verify
show msgexport audit verify --organization

step "11. Stop the daemon"
kill -TERM "$daemon"
wait "$daemon"
trap - EXIT
[ ! -e "$MESSAGE_EXPORT_SOCKET" ]
cat <<END

What you saw: a service that sends hands each message to the daemon over a local socket; the daemon keeps, encrypted
and on disk before it answers, those whose channel configuration is flagged; a dataflow exports them once, with a
manifest that counts and hashes what it delivered.

  exported files   $folder
  the dataset      $root/data   (unreadable without the key)
  the master key   $root/master.key
  the log          $root/msgexportd.log

Try next:  msgexport --help    Remove all of it:  rm -r $root
END
