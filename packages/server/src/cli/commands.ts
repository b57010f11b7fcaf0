import type { Command } from './command.ts';

// Every command, loaded when it is asked for, so that `push` does not wait for the engines.

export interface RegisteredCommand {
  /** A line of `tidemark help`. */
  readonly summary: string;
  /** For programs, not people: neither listed nor completed. */
  readonly hidden?: true;
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, RegisteredCommand>> = {
  serve: {
    summary: 'run Tidemark: page, APIs, log, storage, rules (what `npm start` does)',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  query: {
    summary: 'ask a running Tidemark a PromQL question: table, or sparklines with --range',
    load: async () => (await import('./query.ts')).queryCommand,
  },
  push: {
    summary: 'send metrics from standard input: exposition text or `metric labels time value` lines',
    load: async () => (await import('./push.ts')).pushCommand,
  },
  inspect: {
    summary: 'look into a data folder: journal, topics, checkpoints, windows, segments',
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  repair: {
    summary: 'say what is damaged in the embedded log, and cut it there',
    load: async () => (await import('./repair.ts')).repairCommand,
  },
  verify: {
    summary: "check every file of a stopped data folder, or of a snapshot: what is damaged, missing or nobody's",
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  check: {
    summary: 'check rule files, tidemark.yaml or alertmanager.yml, without a server (`check rules FILE...`)',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  test: {
    summary: 'run unit tests of rules, as promtool has them, without a server (`test rules FILE...`)',
    load: async () => (await import('./rules-command.ts')).testCommand,
  },
  config: {
    summary: 'explain what is configured and why (`config explain`), or print its JSON Schema (`config schema`)',
    load: async () => (await import('./config.ts')).configCommand,
  },
  capacity: {
    summary: 'work out series, samples, bytes and machines, from assumptions or a running server',
    load: async () => (await import('./capacity.ts')).capacityCommand,
  },
  completion: {
    summary: 'print a script that completes commands in bash, zsh or fish',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
  __complete: {
    summary: 'what a running server adds to a completion',
    hidden: true,
    load: async () => (await import('./complete-metrics.ts')).completeCommand,
  },
};
