import { messageOf, systemCode, TidemarkError } from '@tidemark/base';
import type { Compatibility, SchemaSource } from '@tidemark/model';

// A Confluent-compatible schema registry, by Confluent's own client. Everything it may answer becomes one of three things:
//
//   a schema                     an Avro schema's text, without references to other subjects
//   SCHEMA_UNKNOWN, _MALFORMED,  the registry said so, in its own words
//   SCHEMA_REFUSED
//   REGISTRY_UNREACHABLE         no answer, an error of its own, or a page of somebody in between: nothing is known

export interface ConfluentRegistryOptions {
  readonly url: string;
  /** Empty: none. */
  readonly username: string;
  readonly password: string;
  /** One request, from beginning to end. */
  readonly timeoutMs: number;
}

type Client = import('@confluentinc/schemaregistry/dist/schemaregistry-client.js').SchemaRegistryClient;

const WRONG_PATH =
  'no registry with the API of Confluent is there; check the path in registry.url: for Apicurio it is /apis/ccompat/v7';
// 1 MiB: above what a schema may have (256 KiB) as JSON in JSON.
const ANSWER_BYTES_MAX = 1024 * 1024;
/** What the registry says of a subject without a compatibility of its own: 404, or (Apicurio) this. */
const NO_COMPATIBILITY = 'NONE';

export class ConfluentRegistry implements SchemaSource {
  readonly #options: ConfluentRegistryOptions;
  #client: Promise<Client> | undefined;

  constructor(options: ConfluentRegistryOptions) {
    this.#options = options;
  }

  async byId(id: number, signal?: AbortSignal): Promise<string> {
    const info: unknown = await this.#ask((client) => client.getBySubjectAndId('', id), signal);
    const { schema, schemaType = 'AVRO', references } = (info ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof schema !== 'string') {
      // The client keeps whatever it was answered.
      this.#client = undefined;
      throw this.#unreachable(`it answered ${JSON.stringify(info)?.slice(0, 100)} for schema ${id}; ${WRONG_PATH}`);
    }
    if (schemaType !== 'AVRO') {
      throw new TidemarkError('SCHEMA_INCOMPATIBLE', `schema ${id} is of type ${String(schemaType)}, not Avro`, { id });
    }
    if (Array.isArray(references) && references.length > 0) {
      throw new TidemarkError('SCHEMA_MALFORMED', `schema ${id} refers to other subjects, which are not followed`, {
        id,
      });
    }
    return schema;
  }

  async register(subject: string, schema: string, compatibility: Compatibility, signal?: AbortSignal): Promise<number> {
    // What an operator chose stays.
    if ((await this.#compatibilityOf(subject, signal)) === NO_COMPATIBILITY) {
      const update = (client: Client) =>
        client.updateCompatibility(subject, compatibility as Parameters<Client['updateCompatibility']>[1]);
      await this.#ask(update, signal);
    }
    const info = { schema: JSON.stringify(JSON.parse(schema)), schemaType: 'AVRO' };
    const id: unknown = await this.#ask((client) => client.register(subject, info), signal);
    if (Number.isInteger(id)) return id as number;
    this.#client = undefined;
    throw this.#unreachable(`it answered no id when ${subject} was registered; ${WRONG_PATH}`);
  }

  async #compatibilityOf(subject: string, signal: AbortSignal | undefined): Promise<string> {
    try {
      return String((await this.#ask((client) => client.getCompatibility(subject), signal)) ?? NO_COMPATIBILITY);
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'SCHEMA_UNKNOWN') return NO_COMPATIBILITY;
      throw error;
    }
  }

  async #ask<T>(question: (client: Client) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    this.#client ??= this.#connect();
    try {
      return await orAborted(question(await this.#client), signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#translate(error);
    }
  }

  /** Loaded only where there is a registry: its client takes 40 MB. */
  async #connect(): Promise<Client> {
    const { SchemaRegistryClient } = await import('@confluentinc/schemaregistry/dist/schemaregistry-client.js');
    const { url, username, password, timeoutMs } = this.#options;
    return new SchemaRegistryClient({
      baseURLs: [url.replace(/\/+$/, '')],
      // Who asks keeps answers and has pauses of its own.
      maxRetries: 0,
      cacheCapacity: 1,
      createAxiosDefaults: { timeout: timeoutMs, maxContentLength: ANSWER_BYTES_MAX, maxRedirects: 3 },
      ...(username !== '' && {
        basicAuthCredentials: { credentialsSource: 'USER_INFO' as const, userInfo: `${username}:${password}` },
      }),
    });
  }

  #translate(error: unknown): TidemarkError {
    const { status, errorCode } = (error ?? {}) as { status?: unknown; errorCode?: unknown };
    // Without a code of the registry's own it is somebody in between who says so. A bare 404 speaks of the page, 404xx of what it keeps.
    const isItsOwn = typeof errorCode === 'number' && errorCode > 0 && errorCode !== 404;
    const details = { status: Number(status) || 0, errorCode: Number(errorCode) || 0 };
    if (isItsOwn && status === 404) return new TidemarkError('SCHEMA_UNKNOWN', messageOf(error), details, error);
    if (isItsOwn && (status === 409 || status === 422)) {
      return new TidemarkError('SCHEMA_REFUSED', messageOf(error), details, error);
    }
    if (/maxContentLength/.test(messageOf(error))) {
      const what = `an answer of more than ${ANSWER_BYTES_MAX} bytes`;
      return new TidemarkError('SCHEMA_MALFORMED', what, details, error);
    }
    if (status === 404) return this.#unreachable(`it answered 404; ${WRONG_PATH}`, error);
    const hint = status === 401 || status === 403 ? '; see registry.username and registry.password' : '';
    return this.#unreachable(`${systemCode(error) ?? ''} ${messageOf(error)}${hint}`.trim(), error);
  }

  #unreachable(what: string, cause?: unknown): TidemarkError {
    const { url } = this.#options;
    return new TidemarkError('REGISTRY_UNREACHABLE', `the schema registry at ${placeOf(url)}: ${what}`, {}, cause);
  }
}

/** Without what opens doors. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { host, pathname } = new URL(url);
  return `${host}${pathname.replace(/\/+$/, '')}`;
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
