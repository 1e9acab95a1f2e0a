/**
 * How Node runs the API. Where memory is plenty V8 gives young objects room of 128 MiB, and lets garbage of some 130
 * MiB gather among the old ones before it looks for it the first time; both follow from these limits (MiB). The second
 * is also the most that the heap may take, several times what the results and a thousand subscribers need.
 * By default four threads of V8 look for garbage at once, however few cores there are: on two cores those, and nothing
 * else, had both for 50 ms, and all who asked meanwhile waited. One is enough for a heap of this size.
 * `package.json` and `docker-compose.yml` say the same.
 */
export const API_NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=16',
  '--max-old-space-size=1024',
  '--v8-pool-size=1',
];
