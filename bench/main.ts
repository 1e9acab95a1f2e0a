/** `npm run bench [name] [-- flags]`: runs one benchmark, or all of them one after another. */
const BENCHES = ['throughput', 'latency'];
const [wanted, ...flags] = process.argv.slice(2);
const names = wanted === undefined || wanted.startsWith('--') ? BENCHES : [wanted];
for (const name of names) {
  if (!BENCHES.includes(name)) {
    process.stderr.write(`there is no benchmark "${name}"; there are: ${BENCHES.join(', ')}\n`);
    process.exit(2);
  }
}
process.argv = [process.argv[0] as string, process.argv[1] as string, ...flags];
for (const name of names) await import(`./${name}.ts`);

export {};
