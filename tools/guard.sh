#!/bin/sh
# Runs a command that must not outlive its starter: when standard input ends (the starter closed it, or was killed),
# the command gets SIGTERM. A SIGTERM to this script does the same. The exit code is the command's own.
exec 3<&0
"$@" </dev/null 3<&- &
command=$!
trap 'kill -TERM $command 2>/dev/null' TERM INT HUP
( trap '' INT HUP; cat <&3 >/dev/null; kill -TERM $command ) 2>/dev/null &
watcher=$!
exec 3<&-
wait $command
status=$?
# A trapped signal ends `wait` early: wait on until the command itself has ended.
while kill -0 $command 2>/dev/null; do
  wait $command
  status=$?
done
kill -KILL $watcher 2>/dev/null
exit $status
