/**
 * `@tributary/streams/operations`: for programs that operate on an application from outside, as a reset or a reader of
 * dead letters does. Not part of what a topology needs; it may change with a minor version.
 */
export { messageOf } from './errors.ts';
