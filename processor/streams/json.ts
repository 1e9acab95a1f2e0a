/** `@tributary/streams/json`: the scanner of flat JSON objects, for decoders that must be fast. */
export { FieldKind, flatJsonScanner, type FlatJsonScanner } from './topology/flat-json.ts';
