import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import {
  answers,
  findProgram,
  freePort,
  listensOn,
  type RealProcess,
  startProcess,
  tempFolder,
} from '@tidemark/testkit/real';
import { checkFile } from './check-file.ts';
import { type Block, blocksOf, printsAsSaid } from './page-blocks.ts';

// A reader who does what a page says, from its top to its end: writes its files, starts the server, types its commands.
// All in a folder of the page's own, where ports that the page names are others, free ones.

const REPOSITORY = join(import.meta.dirname, '..', '..', '..', '..');
const MAIN = join(REPOSITORY, 'packages', 'server', 'src', 'main.ts');
// Several pages are followed at once, on whatever machine.
const READY_MS = 90_000;
const REPEAT_MS = 60_000;
const REPEAT_EVERY_MS = 500;
const COMMAND_MS = 60_000;

export interface NotRun {
  /** How the block begins. */
  readonly command: string;
  readonly because: string;
}

export interface Story {
  /** Ports that stand in the page, the server's own (9470) among them. */
  readonly ports: readonly number[];
  readonly notRun: readonly NotRun[];
}

/** Throws, with page and line, at the first thing that does not go as the page says. */
export async function followPage(page: string, text: string, { ports, notRun }: Story): Promise<void> {
  await using folder = await tempFolder('docs');
  await using running = new AsyncDisposableStack();
  const free = new Map<string, number>();
  for (const port of ports) free.set(String(port), await freePort());
  const here = (said: string) => said.replace(/\b\d{4,5}\b/g, (number) => String(free.get(number) ?? number));
  const url = `http://127.0.0.1:${free.get('9470')}`;
  const env = await environment(folder.path, free.get('9470') ?? 0);

  let server: RealProcess | undefined;
  const serve = async (text: string) => {
    await server?.stop();
    server = await startProcess({
      name: 'tidemark',
      command: process.execPath,
      args: ['-C', 'source', MAIN, 'serve'],
      env: { ...env, ...assignmentsIn(text) },
      cwd: folder.path,
      readyMs: READY_MS,
      ready: async ({ pid }) => (await answers(`${url}/-/ready`)) && listensOn(pid, free.get('9470') ?? 0),
    });
  };
  running.defer(async () => {
    await server?.stop();
  });

  const steps: Readonly<Record<string, (block: Block) => Promise<void>>> = {
    serve: ({ text }) => serve(text),
    background: async ({ text }) => {
      running.use(
        await startProcess({
          name: text.trim(),
          ...shell(`exec ${here(text).trim()}`, env, folder.path),
          ready: async ({ pid }) => [...free.values()].some((port) => listensOn(pid, port)),
        }),
      );
    },
    run: async (block) => check(block, await run(here(block.text), env, folder.path)),
    repeat: async (block) => {
      const until = performance.now() + REPEAT_MS;
      for (;;) {
        const outcome = await run(here(block.text), env, folder.path);
        if (performance.now() > until) return check(block, outcome);
        if (outcome.code === 0 && (block.prints === undefined || printsAsSaid(block.prints, outcome.stdout))) return;
        await new Promise((resolve) => setTimeout(resolve, REPEAT_EVERY_MS));
      }
    },
  };
  for (const block of blocksOf(text)) {
    try {
      if (block.file !== undefined) {
        await writeFileOf(folder.path, block.file, here(block.text));
        await checkFile(folder.path, block.file);
      } else if (block.language === 'yaml') throw new Error('a file without a name: its first line says it');
      if (block.language !== 'sh' || notRun.some(({ command }) => block.text.startsWith(command))) continue;
      const step = steps[block.mark];
      if (step === undefined) throw new Error(`a command that nobody runs: mark it, or say why it cannot be run`);
      if (/^(run|repeat)$/.test(block.mark) && server === undefined) await serve('');
      await step(block);
    } catch (error) {
      throw new Error(`${page}:${block.line}: ${error instanceof Error ? error.message : error}\n${block.text}`, {
        cause: error,
      });
    }
  }
}

/** `NAME=value NAME=value npm start` */
function assignmentsIn(text: string): Record<string, string> {
  const words = text.trim().split(/\s+/);
  const assigned = words.slice(0, words.indexOf('npm')).map((word) => word.split('=', 2));
  return Object.fromEntries(assigned.map(([name = '', value = '']) => [name, value]));
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function check(block: Block, { code, stdout, stderr }: Outcome): void {
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}${stdout}`);
  if (block.prints === undefined || printsAsSaid(block.prints, stdout)) return;
  throw new Error(`the page says it prints\n${block.prints}and it printed\n${stdout}${stderr}`);
}

async function writeFileOf(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

/**
 * What the shell of a reader has who stands in a checkout: `npx` finds what is in node_modules, and amtool is installed.
 * Settings come from the page's files, but for the address.
 */
async function environment(folder: string, port: number): Promise<Record<string, string | undefined>> {
  const programs = join(folder, '.programs');
  const binaries = join(REPOSITORY, 'node_modules', '.bin');
  await mkdir(programs);
  await writeFile(join(programs, 'npx'), '#!/bin/sh\nexec "$@"\n');
  await chmod(join(programs, 'npx'), 0o755);
  const amtool = findProgram({ variable: 'AMTOOL_BIN', names: ['amtool'], debianPackage: 'prometheus-alertmanager' });
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_'));
  return {
    ...Object.fromEntries(inherited),
    PATH: [programs, dirname(process.execPath), binaries, process.env['PATH'], dirname(amtool)].join(delimiter),
    TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port}`,
    NODE_COMPILE_CACHE: join(REPOSITORY, 'node_modules', '.cache', 'tidemark', 'compile'),
  };
}

function shell(text: string, env: Record<string, string | undefined>, cwd: string) {
  return { command: '/bin/sh', args: ['-euc', text], env, cwd };
}

function run(text: string, env: Record<string, string | undefined>, cwd: string): Promise<Outcome> {
  const { command, args } = shell(text, env, cwd);
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
