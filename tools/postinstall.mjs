// After `npm ci` and `npm install`: mend the packages in patches/, and note what node_modules was made from.
import { applyPatches, writeStamp } from './install.mjs';

if (!applyPatches()) process.exit(1);
writeStamp();
