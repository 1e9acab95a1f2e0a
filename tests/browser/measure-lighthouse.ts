/**
 * Lighthouse on the built page of a running system: `node tests/browser/measure-lighthouse.ts [desktop|mobile]`. No
 * part of `npm test`: npm fetches Lighthouse for the moment, because its hundred packages would be there for nothing
 * else.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { chrome } from './browser.ts';
import { LiveSystem } from './live-system.ts';

const LIGHTHOUSE = 'lighthouse@12.8.2';
const WANTED = 0.95;
const CATEGORIES = ['performance', 'accessibility', 'best-practices'] as const;

const report = z.object({
  categories: z.record(
    z.string(),
    z.object({ score: z.number().nullable(), auditRefs: z.array(z.object({ id: z.string(), weight: z.number() })) }),
  ),
  audits: z.record(
    z.string(),
    z.object({ title: z.string(), score: z.number().nullable(), displayValue: z.string().optional() }),
  ),
});

if (chrome === undefined) throw new Error('there is no Chromium or Chrome on PATH or in CHROME_PATH');
const formFactors = process.argv[2] === undefined ? ['desktop', 'mobile'] : [process.argv[2]];
const dir = await mkdtemp(join(tmpdir(), 'tributary-lighthouse-'));
const system = await LiveSystem.start();
try {
  await system.publish(5_000, { dirty: 0.02 });
  await system.settled();
  // Logins come in all the while; the producer goes with the broker.
  void system.publish(20 * 600, { rate: 20, dirty: 0.02 }).catch(() => undefined);
  for (const formFactor of formFactors) {
    const path = join(dir, `${formFactor}.json`);
    const args = [
      'exec',
      '--yes',
      `--package=${LIGHTHOUSE}`,
      '--',
      'lighthouse',
      system.url,
      '--quiet',
      '--output=json',
      `--output-path=${path}`,
    ];
    args.push(`--only-categories=${CATEGORIES.join(',')}`, '--chrome-flags=--headless=new --no-sandbox --disable-gpu');
    if (formFactor === 'desktop') args.push('--preset=desktop');
    await promisify(execFile)('npm', args, { cwd: dir, env: { ...process.env, CHROME_PATH: chrome } });
    const { categories, audits } = report.parse(JSON.parse(await readFile(path, 'utf8')));
    for (const name of CATEGORIES) {
      const score = categories[name]?.score ?? 0;
      process.stdout.write(`${formFactor} ${name}: ${Math.round(score * 100)}\n`);
      if (score < WANTED) process.exitCode = 1;
      for (const { id, weight } of categories[name]?.auditRefs ?? []) {
        const audit = audits[id];
        if (audit && weight > 0 && audit.score !== null && audit.score < 0.9)
          process.stdout.write(`  ${id}: ${audit.title} ${audit.displayValue ?? ''}\n`);
      }
    }
  }
} finally {
  await system.stop();
  await rm(dir, { recursive: true, force: true });
}
process.exit();
