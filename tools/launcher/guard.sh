#!/bin/sh
# Runs a command that must not outlive its starter: when standard input ends (the starter closed it, or was killed),
# the command gets $GUARD_SIGNAL (TERM unless set). A SIGTERM to this script is passed on. The exit code is the command's own.
exec 3<&0
# Between its fork and its first line the command's own shell still has the trap below, and would swallow a signal. So it
# says when it is past that, and until then a wish to end is only noted.
command=
ready=
ending=
trap 'ending=1; [ -z "$ready" ] || kill -TERM "$command"' TERM INT HUP
trap 'ready=1' USR1
( kill -USR1 $$; exec "$@" ) </dev/null 3<&- &
command=$!
while [ -z "$ready" ] && kill -0 "$command" 2>/dev/null; do sleep 0.01; done
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
