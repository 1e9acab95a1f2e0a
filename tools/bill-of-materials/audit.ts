/**
 * `npm run audit`: whether a registry knows of vulnerabilities in what is installed without the tools of development.
 * Ends with 1 where it knows of a severe one. Where no registry answers, or none that audits, it says so and ends with
 * 0, within `ASK_WITHIN_MS`: a build does not depend on it.
 */
import { spawnSync } from 'node:child_process';
import { projectRoot } from '../command-line/project-root.ts';
import { auditReport, isSevere } from './audit-report.ts';

const ASK_WITHIN_MS = 20_000;

const npm = process.env['npm_execpath'];
const [command, first] = npm?.endsWith('.js') === true ? [process.execPath, [npm]] : ['npm', []];
const { stdout, error } = spawnSync(command, [...first, 'audit', '--json', '--omit=dev', '--fetch-retries=0'], {
  cwd: projectRoot,
  encoding: 'utf8',
  timeout: ASK_WITHIN_MS,
  maxBuffer: 64 * 1024 * 1024,
});
const report =
  error === undefined
    ? auditReport(stdout)
    : ({ asked: false, reason: `npm audit did not end in time, or does not run: ${error.message}` } as const);

if (!report.asked) {
  process.stdout.write(`Known vulnerabilities were NOT looked up: ${report.reason}\n`);
} else {
  for (const { name, severity, advisories } of report.findings)
    process.stdout.write(`${severity}: ${name} ${advisories.join('; ')}\n`);
  const severe = report.findings.filter(isSevere);
  process.stdout.write(
    `Known vulnerabilities in what runs: ${String(report.findings.length)}, severe: ${String(severe.length)}\n`,
  );
  if (severe.length > 0) process.exitCode = 1;
}
