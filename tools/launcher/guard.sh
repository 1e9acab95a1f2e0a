#!/bin/sh
# Runs a command that must not outlive its starter: when standard input ends (the starter closed it, or was killed),
# the command gets $GUARD_SIGNAL (TERM unless set). A SIGTERM to this script is passed on. The exit code is the command's own.
exec 3<&0
# Before the command starts: it may be up, and its end wanted, before this script comes to its next line.
command=
ending=
trap 'ending=1; [ -z "$command" ] || kill -TERM "$command"' TERM INT HUP
"$@" </dev/null 3<&- &
command=$!
[ -z "$ending" ] || kill -TERM "$command"
# The command has its standard error; the shell's own notes on ended jobs are no use to anybody.
exec 2>/dev/null
( trap '' INT HUP; cat <&3 >/dev/null; kill -${GUARD_SIGNAL:-TERM} $command ) &
watcher=$!
exec 3<&-
wait $command
status=$?
# A trapped signal ends `wait` early: wait on until the command itself has ended.
while kill -0 $command; do
  wait $command
  status=$?
done
kill -KILL $watcher
exit $status
