import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../command-line/project-root.ts';
import { buildApplicationPage } from '../development/client-build.ts';

/** A package.json of a workspace: as much of it as is published, or decides what is. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly type: string;
  readonly license?: string;
  readonly engines: object;
  /** Of a clone: each entry's TypeScript. */
  readonly exports: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: object;
}

interface Workspace {
  /** Below the project's root. */
  readonly folder: string;
  /** What is started by its URL, and so imported by nobody. */
  readonly started: readonly string[];
  /** A folder of built files that a module reads beside itself. */
  readonly built?: string;
}

/** In this order: each is compiled against what was made before it. */
const WORKSPACES: readonly Workspace[] = [
  {
    folder: 'processor/streams',
    started: ['thread/stream-thread-worker.ts', 'schema-registry/blocking-http-worker.ts'],
  },
  { folder: 'schema/live', started: [], built: 'pages/dist' },
];

/** Libraries that travel inside, since they are mended: in node_modules nobody would mend them. */
const INSIDE = ['kafkajs'];
/** Each process has one of its own: two that pack at a time would take each other's files away. */
const STAGED = join(projectRoot, '.data', 'packages', String(process.pid));
/** Nobody has given this repository a licence to pass on yet. */
const NO_LICENSE = 'UNLICENSED';

const run = promisify(execFile);

/** Makes the tarballs of all packages in `destination`. Returns their paths. */
export async function packAll(destination: string): Promise<string[]> {
  await buildApplicationPage();
  await rm(STAGED, { recursive: true, force: true });
  await mkdir(destination, { recursive: true });
  const tarballs: string[] = [];
  const made = new Map<string, Manifest>();
  for (const workspace of WORKSPACES) {
    const manifest = await readManifest(join(projectRoot, workspace.folder));
    await stage(workspace, manifest, made);
    made.set(manifest.name, manifest);
    tarballs.push(await pack(stagedFolder(manifest.name), destination));
  }
  await rm(STAGED, { recursive: true, force: true });
  return tarballs;
}

/**
 * Makes the tarball of `create-tributary` in `destination`, with the tarballs of the packages inside: an application
 * that it makes has them until they are published. Returns its path.
 */
export async function packCreate(destination: string, tarballs: readonly string[]): Promise<string> {
  const staged = stagedFolder('create-tributary');
  await rm(staged, { recursive: true, force: true });
  await cp(join(projectRoot, 'create'), staged, { recursive: true });
  for (const tarball of tarballs) await cp(tarball, join(staged, 'packages', basename(tarball)));
  const packed = await pack(staged, destination);
  await rm(STAGED, { recursive: true, force: true });
  return packed;
}

function stagedFolder(name: string): string {
  return join(STAGED, ...name.split('/'));
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Lays out what the tarball will hold. */
async function stage(
  { folder, started, built }: Workspace,
  manifest: Manifest,
  made: ReadonlyMap<string, Manifest>,
): Promise<void> {
  const [from, to] = [join(projectRoot, folder), stagedFolder(manifest.name)];
  await mkdir(to, { recursive: true });
  const inside = INSIDE.filter((name) => name in (manifest.dependencies ?? {}));
  for (const name of inside) await copyLibrary(name, join(to, 'dist', 'vendor', name));
  await writeFile(join(to, 'package.json'), `${JSON.stringify(published(manifest, inside), null, 2)}\n`);
  await cp(join(from, 'README.md'), join(to, 'README.md'));
  const license = join(projectRoot, 'LICENSE');
  if (existsSync(license)) await cp(license, join(to, 'LICENSE'));
  const entries = [...new Set([...sources(manifest), ...started])];
  await compile({ from, to, entries, manifest, made });
  if (built !== undefined) await cp(join(from, built), join(to, 'dist', built), { recursive: true, filter: isShown });
}

/** A build's note of what it was made from stays at home. */
function isShown(path: string): boolean {
  return !basename(path).startsWith('.');
}

function sources({ exports }: Manifest): string[] {
  return Object.values(exports).filter((file) => file.endsWith('.ts'));
}

/** The package.json that others get. */
function published(manifest: Manifest, inside: readonly string[]): object {
  const { exports, dependencies = {}, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const outside = Object.entries(dependencies).filter(([name]) => !inside.includes(name));
  return {
    name: manifest.name,
    version: manifest.version,
    description: manifest.description,
    type: manifest.type,
    license: manifest.license ?? NO_LICENSE,
    engines: manifest.engines,
    exports: Object.fromEntries(
      Object.entries(exports).map(([entry, file]) => [
        entry,
        file.endsWith('.ts') ? { types: compiled(file, '.d.ts'), default: compiled(file, '.js') } : file,
      ]),
    ),
    ...(inside.length === 0 ? {} : { imports: Object.assign({}, ...inside.map(importsOfInside)) as object }),
    files: ['dist'],
    dependencies: Object.fromEntries(outside),
    ...(optionalDependencies === undefined ? {} : { optionalDependencies }),
    ...(peerDependencies === undefined ? {} : { peerDependencies }),
    ...(peerDependenciesMeta === undefined ? {} : { peerDependenciesMeta }),
  };
}

function compiled(source: string, extension: string): string {
  return `./dist/${source.replace(/^\.\//, '').replace(/\.ts$/, extension)}`;
}

function importsOfInside(name: string): object {
  const { main, types } = libraryManifest(name);
  const at = `./dist/vendor/${name}`;
  return {
    [`#${name}`]: { types: `${at}/${types}`, default: `${at}/${main}` },
    [`#${name}/*`]: `${at}/*`,
  };
}

interface LibraryManifest {
  readonly main: string;
  readonly types: string;
}

function libraryManifest(name: string): LibraryManifest {
  return createRequire(import.meta.url)(`${name}/package.json`) as LibraryManifest;
}

/**
 * A library as it is installed here, mended, with its licence. kafkajs needs its defaults.test.js under NODE_ENV=test.
 */
async function copyLibrary(name: string, to: string): Promise<void> {
  const from = join(projectRoot, 'node_modules', name);
  const { version, license, homepage, bugs, main, types } = JSON.parse(
    await readFile(join(from, 'package.json'), 'utf8'),
  ) as Readonly<Record<string, unknown>>;
  for (const part of ['index.js', 'src', 'types', 'LICENSE'])
    await cp(join(from, part), join(to, part), { recursive: true });
  const manifest = { name, version, license, homepage, bugs, type: 'commonjs', main, types };
  await writeFile(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const { MENDED_BY } = createRequire(import.meta.url)(to) as { readonly MENDED_BY?: string };
  if (MENDED_BY === undefined) throw new Error(`node_modules/${name} is not mended by patches/: run npm ci`);
}

interface Compilation {
  readonly from: string;
  readonly to: string;
  readonly entries: readonly string[];
  readonly manifest: Manifest;
  /** The packages that are made already: their declarations stand in for their sources. */
  readonly made: ReadonlyMap<string, Manifest>;
}

/** What the entries reach, and nothing else: no test is compiled. */
async function compile({ from, to, entries, manifest, made }: Compilation): Promise<void> {
  const config = join(STAGED, `tsconfig.${manifest.name.replace('/', '.')}.json`);
  const paths = [...made.values()].flatMap(({ name, exports }) =>
    Object.entries(exports)
      .filter(([, file]) => file.endsWith('.ts'))
      .map(([entry, file]) => [`${name}${entry.slice(1)}`, [join(stagedFolder(name), compiled(file, '.d.ts'))]]),
  );
  await writeFile(
    config,
    JSON.stringify({
      extends: join(projectRoot, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        rootDir: from,
        outDir: join(to, 'dist'),
        declaration: true,
        sourceMap: true,
        inlineSources: true,
        rewriteRelativeImportExtensions: true,
        ...(paths.length === 0 ? {} : { paths: Object.fromEntries(paths) as object }),
      },
      files: entries.map((entry) => resolve(from, entry)),
      include: [],
    }),
  );
  const tsc = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, '-p', config], { cwd: projectRoot }).catch((error: unknown) => {
    const said = (error as { readonly stdout?: string }).stdout ?? String(error);
    throw new Error(`${manifest.name} does not compile:\n${said}`);
  });
  for (const file of await readdir(join(to, 'dist'), { recursive: true })) {
    const path = join(to, 'dist', file);
    if (file.startsWith('vendor')) continue;
    if (file.endsWith('.d.ts')) await rewrite(path, withoutTypeScriptNames);
    if (file.endsWith('.js.map')) await rewrite(path, (map) => asIfBesideDist(map, dirname(path), from, to));
  }
}

async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, 'utf8')));
}

/** The compiler leaves `./x.ts` in declarations, where only `./x.js` is there. */
function withoutTypeScriptNames(declarations: string): string {
  return declarations.replaceAll(/((?:from |import\()['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2');
}

/** A source is inside its map; its name, which a stack trace shows, is as if it lay in the package beside dist/. */
function asIfBesideDist(text: string, folder: string, from: string, to: string): string {
  const map = JSON.parse(text) as { readonly sources: readonly string[] };
  const sources = map.sources.map((source) => relative(folder, join(to, relative(from, resolve(folder, source)))));
  return JSON.stringify({ ...map, sources });
}

async function pack(folder: string, destination: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd: folder,
  }).catch((error: unknown) => {
    throw new Error(`npm pack failed in ${relative(projectRoot, folder)}`, { cause: error });
  });
  const [tarball] = JSON.parse(stdout) as readonly { readonly filename: string }[];
  if (tarball === undefined) throw new Error(`npm pack made nothing of ${relative(projectRoot, folder)}`);
  return join(destination, tarball.filename);
}
