// What `npm pack` and `npm publish` run in the folder of a package: its package.json is that of a clone, whose entries
// are TypeScript.
process.stderr.write(
  'This folder is the source of the package: `npm run pack`, at the top, makes its tarball in dist/.\n',
);
process.exit(1);
