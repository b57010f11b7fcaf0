import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  globSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, matchesGlob, relative } from 'node:path';
import type { Command, Stage, Step } from './dockerfile.ts';

// The steps of a Dockerfile, done in folders instead of by an engine.
//
//   FROM        an empty folder with this machine's Node at usr/local/bin: there are no base images here
//   COPY        from the checkout without what the ignore file names, or from an earlier stage's folder
//   RUN         by this machine's shell, in the stage's folder, as whoever runs this
//   the rest    kept, and used when the image is started
//
// A path that begins with / means one below the stage's folder. `npm ci` of everything is answered with what this checkout has
// installed from the very same lock file, as an engine would answer it from its cache; `whole` does it anew.

export interface Image {
  /** Where / is. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string;
  readonly entrypoint: Command;
  readonly command: Command;
  readonly health: Command;
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  readonly stopSignal: string;
}

export interface TryOptions {
  /** The build context: a checkout with its packages installed. */
  readonly context: string;
  readonly ignore: readonly string[];
  /** Empty; everything happens in it. */
  readonly folder: string;
  readonly whole: boolean;
  readonly say: (line: string) => void;
}

interface StageState {
  readonly root: string;
  readonly env: Record<string, string>;
  workdir: string;
  readonly settings: Map<Step['kind'], Step>;
}

/** Throws with `Dockerfile:line: what`, or what a command wrote. */
export function tryImage(stages: readonly Stage[], options: TryOptions): Image {
  const done = new Map<string, StageState>();
  for (const [i, { name, from, steps }] of stages.entries()) {
    const isLast = i === stages.length - 1;
    const state: StageState = {
      root: join(options.folder, `stage-${name}`),
      env: {},
      workdir: '/',
      settings: new Map(),
    };
    mkdirSync(join(state.root, 'usr', 'local', 'bin'), { recursive: true });
    placeNode(join(state.root, 'usr', 'local', 'bin', 'node'));
    options.say(`FROM ${from}: an empty folder with Node ${process.version}`);
    for (const step of steps) {
      const startedAt = performance.now();
      const what = perform(step, state, done, options);
      options.say(`${step.kind} ${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    }
    done.set(name, state);
    if (isLast) return imageOf(state);
  }
  throw new Error('Dockerfile:1: there is no stage');
}

function perform(step: Step, state: StageState, done: ReadonlyMap<string, StageState>, options: TryOptions): string {
  switch (step.kind) {
    case 'COPY':
      return copy(step, state, step.from === undefined ? undefined : (done.get(step.from) as StageState).root, options);
    case 'RUN':
      return run(step, state, options);
    case 'ENV':
      Object.assign(state.env, step.pairs);
      return Object.keys(step.pairs).join(' ');
    case 'WORKDIR':
      state.workdir = step.value;
      mkdirSync(inside(state.root, step.value), { recursive: true });
      return step.value;
    case 'LABEL':
      return Object.keys(step.pairs).join(' ');
    default:
      state.settings.set(step.kind, step);
      return 'kept';
  }
}

function copy(
  step: Step & { kind: 'COPY' },
  state: StageState,
  fromRoot: string | undefined,
  options: TryOptions,
): string {
  const target = inside(state.root, absolute(step.target, state.workdir));
  const toFolder = step.target.endsWith('/') || step.target === '.';
  let files = 0;
  for (const source of step.sources) {
    const path = fromRoot === undefined ? join(options.context, source) : inside(fromRoot, source);
    if (!existsSync(path)) throw new Error(`Dockerfile:${step.line}: COPY ${source}: there is no such file`);
    const isFolder = statSync(path).isDirectory();
    const to = isFolder || !toFolder ? target : join(target, basename(path));
    mkdirSync(isFolder ? to : dirname(to), { recursive: true });
    cpSync(path, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter(file) {
        const wanted = fromRoot !== undefined || !isIgnored(relative(options.context, file), options.ignore);
        if (wanted) files++;
        return wanted;
      },
    });
  }
  if (step.chown !== undefined) own(target, step.chown);
  return `${step.sources.join(' ')} to ${step.target}: ${files} files and folders`;
}

/** As a .dockerignore of plain patterns: a match takes everything below it along. */
export function isIgnored(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`));
}

export function readIgnore(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const again = patterns.find((line) => line.startsWith('!'));
  if (again !== undefined) throw new Error(`${again}: patterns that take back are not known here`);
  return patterns;
}

/** Only root may give files away; without it they stay with whoever runs this, who also starts the image then. */
function own(folder: string, owner: string): void {
  if (process.getuid?.() !== 0) return;
  const [uid, gid = uid] = owner.split(':').map(Number);
  if (!Number.isInteger(uid))
    throw new Error(`--chown=${owner}: a number is needed, names are those of the base image`);
  for (const path of [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))]) {
    chownSync(path, uid as number, gid as number);
  }
}

function run(step: Step & { kind: 'RUN' }, state: StageState, options: TryOptions): string {
  const cwd = inside(state.root, state.workdir);
  if (!options.whole && /^npm ci --include=dev\b/.test(step.command) && sameLock(cwd, options.context)) {
    linkPackages(cwd, options.context);
    return `${step.command}: the lock file is that of this checkout, its packages are linked`;
  }
  const bins = [
    join(state.root, 'usr', 'local', 'bin'),
    join(options.context, 'node_modules', '.bin'),
    process.env['PATH'] ?? '',
  ];
  const { status, stdout, stderr, error } = spawnSync('/bin/sh', ['-c', step.command], {
    cwd,
    encoding: 'utf8',
    env: { ...outside(), ...state.env, PATH: bins.join(':') },
  });
  if (status !== 0) {
    throw new Error(
      `Dockerfile:${step.line}: RUN ${step.command} failed (${error?.message ?? `exit code ${status}`}):\n${stdout}${stderr}`,
    );
  }
  return step.command;
}

/** Of this process: a home with npm's cache, and nothing that would be a setting of Tidemark or npm. */
function outside(): Record<string, string> {
  const { HOME = '/tmp', LANG = 'C.UTF-8', TMPDIR } = process.env;
  return { HOME, LANG, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}

function sameLock(cwd: string, context: string): boolean {
  const [mine, theirs] = [join(cwd, 'package-lock.json'), join(context, 'package-lock.json')];
  return (
    existsSync(mine) && existsSync(join(context, 'node_modules')) && readFileSync(mine).equals(readFileSync(theirs))
  );
}

/** Each package of the checkout, linked; but packages of the workspace are those of the stage. */
function linkPackages(cwd: string, context: string): void {
  for (const folder of ['node_modules', ...globSync('packages/*/node_modules', { cwd: context })]) {
    mkdirSync(join(cwd, folder), { recursive: true });
    for (const name of readdirSync(join(context, folder))) {
      if (name === '@tidemark' || name === '.cache') continue;
      symlinkSync(join(context, folder, name), join(cwd, folder, name));
    }
  }
  mkdirSync(join(cwd, 'node_modules', '@tidemark'));
  for (const name of readdirSync(join(cwd, 'packages'))) {
    symlinkSync(join('..', '..', 'packages', name), join(cwd, 'node_modules', '@tidemark', name));
  }
}

/** This machine's Node, for whoever may run it. */
function placeNode(path: string): void {
  try {
    linkSync(process.execPath, path);
  } catch {
    // Another file system, or a file of someone else.
    cpSync(process.execPath, path, { dereference: true });
    chmodSync(path, 0o755);
  }
}

function imageOf({ root, env, workdir, settings }: StageState): Image {
  const command = (kind: 'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK') => {
    const step = settings.get(kind);
    if (step === undefined || !('command' in step) || typeof step.command === 'string')
      throw new Error(`Dockerfile: the image has no ${kind}`);
    return step.command;
  };
  const text = (kind: 'USER' | 'STOPSIGNAL', otherwise: string) => {
    const step = settings.get(kind);
    return step && 'value' in step ? step.value : otherwise;
  };
  const list = (kind: 'VOLUME' | 'EXPOSE') => {
    const step = settings.get(kind);
    return step && 'values' in step ? step.values : [];
  };
  return {
    root,
    env,
    workdir,
    user: text('USER', 'root'),
    entrypoint: command('ENTRYPOINT'),
    command: command('CMD'),
    health: command('HEALTHCHECK'),
    volumes: list('VOLUME'),
    ports: list('EXPOSE'),
    stopSignal: text('STOPSIGNAL', 'SIGTERM'),
  };
}

export function inside(root: string, path: string): string {
  return join(root, path);
}

function absolute(path: string, workdir: string): string {
  return path.startsWith('/') ? path : join(workdir, path);
}
