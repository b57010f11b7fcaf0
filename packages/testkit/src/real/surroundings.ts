import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runProgram } from './process.ts';

// What this machine has to offer for running other people's servers.

// A daemon that is there answers at once; without one the command fails at once too.
const DOCKER_MS = 5000;
let docker: Promise<boolean> | undefined;

/** Whether a Docker engine answers. Asked once a process. */
export function dockerAnswers(): Promise<boolean> {
  if (!hasProgram('docker')) return Promise.resolve(false);
  docker ??= runProgram('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: DOCKER_MS }).then(
    (version) => version.trim() !== '',
    () => false, // no engine behind the command
  );
  return docker;
}

/** Whether a program of this name is on PATH. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => isProgram(join(folder, name)));
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us
  }
}
