import { fileURLToPath } from 'node:url';

/** The absolute path of the checkout, without a slash at its end, whatever the current directory is. */
export const projectRoot: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
