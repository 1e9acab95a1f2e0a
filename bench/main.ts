import { commitCost } from './benches/commit-cost.ts';
import { fanOut } from './benches/fan-out.ts';
import { keyedJobs } from './benches/keyed-jobs.ts';
import { highCardinality } from './benches/high-cardinality.ts';
import { liveTable } from './benches/live-table.ts';
import { latency } from './benches/latency.ts';
import { memory } from './benches/memory.ts';
import { ownerReads } from './benches/owner-reads.ts';
import { queries } from './benches/queries.ts';
import { restore } from './benches/restore.ts';
import { scale } from './benches/scale.ts';
import { limits, throughput } from './benches/throughput.ts';
import { FLAGS, parseBenchArguments, type BenchOptions } from './options.ts';
import { checkRatios, storeRatios } from './report.ts';

/** Answers ratios to raw kafkajs of the same run, where it has them: what the check compares. */
type Bench = (options: BenchOptions) => Promise<Readonly<Record<string, number>> | undefined>;

const BENCHES: Readonly<Record<string, Bench>> = {
  throughput,
  limits,
  latency,
  restore,
  'high-cardinality': highCardinality,
  'keyed-jobs': keyedJobs,
  queries,
  'fan-out': fanOut,
  'live-table': liveTable,
  'owner-reads': ownerReads,
  scale,
  memory,
  'commit-cost': commitCost,
};

const usage = `npm run bench [${Object.keys(BENCHES).join('|')}] -- [flags]\n${FLAGS}`;
if (process.argv.includes('--help')) {
  process.stdout.write(usage);
  process.exit(0);
}
const parsed = (() => {
  try {
    return parseBenchArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
})();
const { names, options } = parsed;
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  process.stderr.write(`there is no benchmark "${unknown}"; there are: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
// The check needs only the benches that have ratios.
const wanted = names.length > 0 ? names : options.check ? ['throughput', 'limits'] : Object.keys(BENCHES);
let sound = true;
for (const name of wanted) {
  const ratios = await (BENCHES[name] as Bench)(options);
  if (ratios === undefined) continue;
  if (options.store) storeRatios(name, ratios);
  if (options.check) sound = checkRatios(name, ratios) && sound;
}
process.exit(sound ? 0 : 1);
