// After `npm ci` and `npm install`: check the Node binary that was fetched, mend the packages in patches/, and note
// what node_modules was made from.
import { applyPatches, isKnownNode, writeStamp } from './install.mjs';

if (!isKnownNode() || !applyPatches()) process.exit(1);
writeStamp();
