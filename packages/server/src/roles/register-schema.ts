import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { SAMPLE_SCHEMA, type SchemaSource } from '@tidemark/model';
import { Trouble } from './trouble.ts';

export interface RegisterParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes what stands in the way; undefined when nothing does. */
  readonly say: (problem: string | undefined) => void;
}

const RETRY_MS = 1_000;
// 30 s: the process is not ready before, and a request every half minute is nothing to a registry.
const RETRY_MAX_MS = 30_000;

/** Until it is registered, with growing pauses. One that the registry refuses is said and left: writers have schemas of their own. */
export async function registerSchema(
  schemas: Pick<SchemaSource, 'register'>,
  subject: string,
  { clock, logger, say }: RegisterParts,
  signal: AbortSignal,
): Promise<void> {
  const trouble = new Trouble(clock, logger, 'register the schema of samples');
  for (let pauseMs = RETRY_MS; ; pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS)) {
    try {
      const schemaId = await schemas.register(subject, SAMPLE_SCHEMA, 'FULL_TRANSITIVE', signal);
      trouble.succeeded();
      logger.info('the schema of samples is registered', { subject, schemaId });
      say(undefined);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (isTidemarkError(error, 'SCHEMA_REFUSED')) {
        logger.warn('the registry refuses the schema of samples', { subject, error: messageOf(error) });
        // It answers, and knows schemas of others.
        say(undefined);
        return;
      }
      trouble.failed(error);
      say(`the schema registry does not answer: ${messageOf(error)}`);
    }
    await clock.sleep(pauseMs, signal);
  }
}
