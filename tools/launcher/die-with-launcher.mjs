// Preloaded by tools/launcher/launch.mjs: a launcher that is killed takes its process along, or a processor would go on
// unseen.
// The parent's id keeps this to the launcher's own child: workers and children of that inherit the preload.
if (process.channel !== undefined && process.env['TRIBUTARY_LAUNCHER'] === String(process.ppid)) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}
