import { isTidemarkError, messageOf } from '@tidemark/base';
import { DEFAULT_TENANT } from '@tidemark/model';
import { createEngine, type Engine, type EngineOptions } from '../engine/engine.ts';
import type { QueryResult } from '../engine/result.ts';
import { compareAnswer } from './compare.ts';
import { MemorySource } from './memory-source.ts';
import { type EvalCommand, type Note, parseScript } from './parse-script.ts';

// Runs a script against the engine and says of each eval what came of it.

export interface Outcome {
  readonly line: number;
  readonly query: string;
  /** `unsupported`: the engine refused with PROMQL_UNSUPPORTED. `wrong`: anything else that is not what the script says. */
  readonly verdict: 'pass' | 'unsupported' | 'wrong';
  /** Why it did not pass. */
  readonly reason: string;
}

/** Throws `PROMQL_SCRIPT` when the script itself cannot be read. */
export async function runScript(text: string, options: Partial<EngineOptions> = {}): Promise<Outcome[]> {
  const source = new MemorySource();
  const engine = createEngine({ source, options });
  const outcomes: Outcome[] = [];
  for (const command of parseScript(text)) {
    if (command.kind === 'clear') source.clear();
    else if (command.kind === 'load') source.load(command);
    else outcomes.push({ line: command.line, query: command.query, ...(await judge(engine, command)) });
  }
  return outcomes;
}

type Judgement = Pick<Outcome, 'verdict' | 'reason'>;

async function judge(engine: Engine, command: EvalCommand): Promise<Judgement> {
  const failures = command.notes.filter((note) => note.severity === 'fail');
  try {
    const result = await ask(engine, command);
    if (failures.length > 0) return { verdict: 'wrong', reason: 'should have failed' };
    const reason =
      compareAnswer(command, result.data) ?? compareNotes(command, result) ?? (await askAround(engine, command));
    return reason === undefined ? { verdict: 'pass', reason: '' } : { verdict: 'wrong', reason };
  } catch (error) {
    if (isTidemarkError(error, 'PROMQL_UNSUPPORTED')) return { verdict: 'unsupported', reason: error.message };
    if (!isTidemarkError(error)) throw error;
    if (failures.length === 0) return { verdict: 'wrong', reason: `${error.code}: ${error.message}` };
    const unexpected = failures.find((note) => !fits(note, error.message));
    if (!unexpected) return { verdict: 'pass', reason: '' };
    return {
      verdict: 'wrong',
      reason: `failed with: ${error.message}; expected ${unexpected.text ?? unexpected.pattern}`,
    };
  }
}

function ask(engine: Engine, command: EvalCommand): Promise<QueryResult> {
  const { query: expression, startMs, endMs, stepMs } = command;
  if (stepMs === undefined) return engine.instant({ tenant: DEFAULT_TENANT, expression, atMs: startMs });
  return engine.range({ tenant: DEFAULT_TENANT, expression, startMs, endMs, stepMs });
}

const MINUTE_MS = 60_000;

/** The same instant as the middle of three steps must give the same; what is wrong, if anything. */
async function askAround(engine: Engine, command: EvalCommand): Promise<string | undefined> {
  const { query: expression, startMs: atMs } = command;
  if (command.stepMs !== undefined || command.ordered || command.rangeVector || command.string !== undefined) {
    return undefined;
  }
  // These are about the query's own start, end and step.
  if (/\b(?:range|step|start|end)\s*\(/i.test(expression)) return undefined;
  const range = { startMs: atMs - MINUTE_MS, endMs: atMs + MINUTE_MS, stepMs: MINUTE_MS };
  try {
    const { data } = await engine.range({ tenant: DEFAULT_TENANT, expression, ...range });
    const reason = compareAnswer(command, data);
    return reason && `as a range query: ${reason}`;
  } catch (error) {
    if (isTidemarkError(error, 'PROMQL_UNSUPPORTED')) return undefined;
    // The steps beside may fail where the middle one does not.
    if (isTidemarkError(error, 'PROMQL_EXECUTION')) return undefined;
    return `as a range query: ${messageOf(error)}`;
  }
}

function fits({ text, pattern }: Note, message: string): boolean {
  if (text !== undefined) return message === text || message.endsWith(`: ${text}`);
  return pattern ? pattern.test(message) : true;
}

function compareNotes(command: EvalCommand, { warnings, infos }: QueryResult): string | undefined {
  if (command.noWarn && warnings.length > 0) return `unexpected warning: ${warnings[0]}`;
  if (command.noInfo && infos.length > 0) return `unexpected info: ${infos[0]}`;
  return compareKind(command, 'warn', warnings) ?? compareKind(command, 'info', infos);
}

/** Every expected note must come; and where any is expected, nothing else may. */
function compareKind(command: EvalCommand, severity: 'warn' | 'info', came: readonly string[]): string | undefined {
  const wanted = command.notes.filter((note) => note.severity === severity);
  if (wanted.length === 0) return undefined;
  const missing = wanted.find((note) => !came.some((text) => fits(note, text)));
  if (missing)
    return `missing ${severity}: ${missing.text ?? missing.pattern ?? 'any'}; came: ${came.join(' | ') || 'none'}`;
  const surplus = came.find((text) => !wanted.some((note) => fits(note, text)));
  return surplus === undefined ? undefined : `unexpected ${severity}: ${surplus}`;
}
