import type { Completion } from '../command.ts';

// What the scripts of all shells are made from.

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly Completion[];
  readonly options: readonly CompletedOption[];
}

export interface CompletedOption {
  readonly name: string;
  readonly takesValue: boolean;
  /** Absent: any text. */
  readonly values?: Completion;
}

/** In single quotes for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
