import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Image, inside } from './try-image.ts';

// What `docker run` and its health check would do with a tried image: the exact words of ENTRYPOINT and CMD, the image's
// environment and folder, its user where this process may change to it. Nothing of this process's environment gets in.

export interface Started {
  readonly child: ChildProcess;
  readonly uid: number | undefined;
  /** What it wrote so far. */
  readonly output: () => string;
  /** Exit code and text of the image's health check. */
  health(): { readonly code: number | null; readonly text: string };
}

/** `env`: as `docker run -e`. */
export function startImage(image: Image, env: Readonly<Record<string, string>>): Started {
  const environment = environmentOf(image, env);
  const user = userOf(image);
  const [program = '', ...args] = [...image.entrypoint.words, ...image.command.words].map((word) =>
    placed(word, image),
  );
  const child = spawn(programIn(image, program), args, {
    cwd: inside(image.root, image.workdir),
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  child.on('error', (error) => {
    output += `${error.message}\n`;
  });
  return {
    child,
    uid: user.uid,
    output: () => output,
    health() {
      const [check = '', ...words] = image.health.words.map((word) => placed(word, image));
      const { status, stdout } = spawnSync(programIn(image, check), words, {
        env: environment,
        encoding: 'utf8',
        ...user,
      });
      return { code: status, text: stdout };
    },
  };
}

/** Until the health check says yes. Throws with what the process wrote when it ends, or takes too long. */
export async function untilHealthy({ child, health, output }: Started, withinMs: number): Promise<string> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const { code, text } = health();
    if (code === 0) return text;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the image ended at once:\n${output()}`);
    await sleep(200);
  }
  throw new Error(`the image was not healthy within ${withinMs} ms:\n${output()}`);
}

/** `docker stop`: the image's signal to the very process that was started. Resolves to its exit code. */
export async function stopImage({ child }: Started, image: Image): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(image.stopSignal as NodeJS.Signals);
  const [code] = (await exited) as [number | null];
  return code;
}

function environmentOf(image: Image, env: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(image.env).map(([name, value]) => [name, placed(value, image)]);
  return { PATH: join(image.root, 'usr', 'local', 'bin'), HOME: image.root, ...Object.fromEntries(own), ...env };
}

/** A path of the image is one below its folder here. */
function placed(word: string, image: Image): string {
  return word.startsWith('/') && existsSync(inside(image.root, word)) ? inside(image.root, word) : word;
}

function programIn(image: Image, program: string): string {
  return program.includes('/') ? program : join(image.root, 'usr', 'local', 'bin', program);
}

/** Only root may become another user; anyone else is unprivileged already. */
function userOf(image: Image): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid = uid] = image.user.split(':').map(Number);
  if (!Number.isInteger(uid) || uid === 0)
    throw new Error(`USER ${image.user}: an unprivileged user by its number is needed`);
  return { uid: uid as number, gid: gid as number };
}
