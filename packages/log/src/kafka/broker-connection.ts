import { type Clock, type Logger, messageOf, TidemarkError } from '@tidemark/base';
import { BrokerFault, BrokerUnreachable } from './broker-fault.ts';
import { type RawConnection, type RawLogger, rawConnection } from './kafkajs.ts';
import { hungUpOnFirstRequest, noConnection, openingFailed } from './listener-mismatch.ts';
import type { KafkaMetrics } from './metrics.ts';
import { oauthBearer } from './oauth-bearer.ts';
import type { KafkaLogOptions, SaslOptions, TlsOptions } from './options.ts';
import { type ApiRanges, apiVersionsRequest } from './protocol/api-versions.ts';
import type { KafkaRequest } from './protocol/request.ts';
import { WireReader } from './protocol/wire-reader.ts';
import { WireWriter } from './protocol/wire-writer.ts';
import { plainSockets } from './sockets.ts';

// One connection to one broker: a kafkajs connection, with our own clock over it.
//
//   open     TCP, TLS -> ApiVersions -> SASL                       all within connectMaxMs
//   send     ------------------------------------> answer          or, after timeoutMs, the end of the connection:
//                                                                   what a silent broker did with a request is not known
//
// A broker answers one connection in order: whoever asks something that takes long (a fetch that waits, joining a group) has
// a connection of its own.

// SaslAuthenticate: where it is known, SASL travels in the protocol's own frames.
const SASL_AUTHENTICATE = 36;
// So long before a session of SASL ends, a request makes it be authenticated again; of a short one, a quarter of it.
const REAUTHENTICATE_BEFORE_MS = 10_000;

export interface ConnectionParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KafkaMetrics;
  readonly options: KafkaLogOptions;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class BrokerConnection {
  readonly name: string;
  readonly #parts: ConnectionParts;
  readonly #raw: RawConnection;
  readonly #ends = new Set<(why: BrokerUnreachable) => void>();
  #ranges: ApiRanges = {};
  /** Mechanisms of SASL, once it has said so. */
  #offered: readonly string[] = [];
  #answers = 0;
  #ended: BrokerUnreachable | undefined;

  private constructor(address: Address, parts: ConnectionParts) {
    const { logger, options } = parts;
    this.name = `${address.host}:${address.port}`;
    this.#parts = parts;
    this.#raw = rawConnection({
      ...address,
      clientId: options.clientId,
      logger: rawLogger(logger),
      socketFactory: options.socketFactory ?? plainSockets,
      ssl: tlsOf(options.tls),
      sasl: saslOf(options.sasl),
      onMechanisms: (offered) => {
        this.#offered = offered;
      },
      connectionTimeout: options.connectMaxMs,
      requestTimeout: options.requestMaxMs,
      reauthenticationThreshold: REAUTHENTICATE_BEFORE_MS,
      maxInFlightRequests: null,
      // `send` has our clock's.
      enforceRequestTimeout: false,
    });
  }

  /** Throws `BrokerUnreachable`, `LOG_DENIED`, `LOG_UNTRUSTED`, `LOG_PROTOCOL`. */
  static async open(address: Address, parts: ConnectionParts): Promise<BrokerConnection> {
    const connection = new BrokerConnection(address, parts);
    const { connectMaxMs } = parts.options;
    const late = () => noConnection(connection.name, `no connection within ${connectMaxMs} ms`, parts.options);
    try {
      await connection.#within(connectMaxMs, late, connection.#open());
    } catch (error) {
      connection.destroy('it could not be opened');
      throw openingFailed(error, { broker: connection.name, offered: connection.#offered, ...parts.options });
    }
    return connection;
  }

  get isOpen(): boolean {
    return this.#ended === undefined && this.#raw.isConnected();
  }

  /** The highest version of an API that the broker knows; -1: none. */
  knows(apiKey: number): number {
    return this.#ranges[apiKey]?.maxVersion ?? -1;
  }

  /** Throws `BrokerUnreachable` (then this connection is over), `LOG_PROTOCOL`. */
  async send<T>(request: KafkaRequest<T>, timeoutMs: number): Promise<T> {
    const late = () => new BrokerUnreachable(this.name, `no answer to ${request.name} within ${timeoutMs} ms`, true);
    this.#mustKnow(request);
    return await this.#within(timeoutMs, late, this.#exchange(request));
  }

  /** Ends it at once; whatever waits for an answer ends with `BrokerUnreachable`. Twice is fine. */
  destroy(why: string): void {
    if (this.#ended) return;
    this.#ended = new BrokerUnreachable(this.name, why, true);
    for (const end of this.#ends) end(this.#ended);
    this.#raw.rejectRequests(this.#ended);
    this.#raw.socket?.destroy();
    this.#raw.disconnect().catch((error) => this.#parts.logger.debug('disconnect', { error: messageOf(error) }));
  }

  async #open(): Promise<void> {
    await this.#raw.connect();
    const { error, ranges } = await this.#exchange(apiVersionsRequest);
    if (error !== 0) throw new BrokerFault(error, 'ApiVersions');
    this.#ranges = ranges;
    this.#raw.setVersions(ranges);
    this.#raw.setSupportAuthenticationProtocol(ranges[SASL_AUTHENTICATE] !== undefined);
    await this.#raw.authenticate();
    // 0: no end. kafkajs looks at it before each request, and holds others back meanwhile.
    const sessionMs = this.#raw.sessionLifetime.toNumber();
    if (sessionMs > 0) this.#raw.reauthenticationThreshold = Math.min(REAUTHENTICATE_BEFORE_MS, sessionMs / 4);
  }

  async #exchange<T>(request: KafkaRequest<T>): Promise<T> {
    const { clock, metrics } = this.#parts;
    const began = clock.monotonicMs();
    const count = metrics.request(request.name);
    try {
      const answer = await this.#raw.send<T>({
        request: {
          apiKey: request.key,
          apiVersion: request.version,
          apiName: request.name,
          async encode() {
            const out = new WireWriter();
            request.encode(out);
            count.sent(out.length);
            return { buf: out.bytes, buffer: out.view() };
          },
        },
        response: {
          async decode(raw) {
            const value = request.decode(new WireReader(raw));
            const throttleMs = throttleOf(value);
            count.answered(raw.length, clock.monotonicMs() - began, throttleMs);
            return { value, clientSideThrottleTime: throttleMs };
          },
          parse: async ({ value }) => value,
        },
        logResponseError: false,
      });
      this.#answers++;
      return answer;
    } catch (error) {
      count.failed();
      if (error instanceof BrokerUnreachable || error instanceof TidemarkError) throw error;
      if (this.#ended) throw this.#ended;
      // Only ApiVersions was answered, which needs no credentials.
      const isFirst = this.#answers === 1 && this.#parts.options.sasl === undefined;
      const advice = isFirst ? hungUpOnFirstRequest(error) : undefined;
      throw new BrokerUnreachable(this.name, advice ?? messageOf(error), true, error);
    }
  }

  #mustKnow(request: KafkaRequest<unknown>): void {
    const { name, key, version } = request;
    const range = this.#ranges[key];
    if (range && range.minVersion <= version && version <= range.maxVersion) return;
    const has = range ? `versions ${range.minVersion} to ${range.maxVersion}` : 'nothing of the kind';
    throw new TidemarkError(
      'LOG_PROTOCOL',
      `broker ${this.name} knows ${has} of ${name}, version ${version} is needed: Kafka 2.5 to 4.3 will do`,
      { broker: this.name, api: name, version },
    );
  }

  /** The work, or the end of this connection, or after the time that end. */
  #within<T>(ms: number, late: () => BrokerUnreachable, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = () => {
        cancel();
        this.#ends.delete(end);
      };
      const end = (why: BrokerUnreachable) => {
        over();
        reject(why);
      };
      const cancel = this.#parts.clock.after(ms, () => {
        end(late());
        this.destroy('it was silent for too long');
      });
      this.#ends.add(end);
      if (this.#ended) end(this.#ended);
      work.then(
        (value) => {
          over();
          resolve(value);
        },
        (error) => {
          over();
          reject(error);
        },
      );
    });
  }
}

function throttleOf(answer: unknown): number {
  if (typeof answer !== 'object' || answer === null || !('throttleMs' in answer)) return 0;
  return typeof answer.throttleMs === 'number' ? answer.throttleMs : 0;
}

function tlsOf(tls: TlsOptions | true | undefined): object | null {
  if (tls === undefined) return null;
  if (tls === true) return {};
  const { ca, cert, key, passphrase, serverName, verify } = tls;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(verify === false && { rejectUnauthorized: false }),
  };
}

/** A new object for each connection: kafkajs keeps its authenticator in it. */
function saslOf(sasl: SaslOptions | undefined): object | null {
  if (sasl === undefined) return null;
  if (sasl.mechanism !== 'OAUTHBEARER') return { ...sasl };
  return { mechanism: sasl.mechanism, authenticationProvider: oauthBearer(sasl.token) };
}

/** What kafkajs has to say, at debug: whoever uses the connection gets the error and decides. */
function rawLogger(logger: Logger): RawLogger {
  const say = (message: string) => logger.debug(message);
  const raw: RawLogger = { info: say, error: say, warn: say, debug: ignore, namespace: () => raw };
  return raw;
}

function ignore(): void {
  // A line for each request and answer, with the answer in it.
}
