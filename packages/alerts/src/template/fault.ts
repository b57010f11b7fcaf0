import { TidemarkError } from '@tidemark/base';

/** A text that Go's parser would refuse. `line` is from 1, in the text that was parsed. */
export function parseFault(name: string, line: number, why: string): TidemarkError {
  return new TidemarkError('TEMPLATE_INVALID', `template: ${name}:${line}: ${why}`, { name, line, why });
}

/** A template that failed at work. */
export function executionFault(message: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TEMPLATE_FAILED', message, {}, cause);
}
