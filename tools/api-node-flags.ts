/**
 * How Node runs the API. V8 lets the room for young objects grow to 128 MiB where memory is plenty, and fills it before it looks for
 * garbage; what an update leaves behind fits into a quarter of that. `package.json` and `docker-compose.yml` say the same.
 */
export const API_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=16'];
