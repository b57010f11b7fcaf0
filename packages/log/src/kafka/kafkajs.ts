import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

// The parts of kafkajs that are used, and as what. It is CommonJS without an exports map, so its rooms can be required one by
// one; its types speak of its façade only, so here are those of what is behind. See docs/decisions/0007.

const require = createRequire(import.meta.url);

export type SocketFactory = (options: {
  readonly host: string;
  readonly port: number;
  readonly ssl: object | null;
  readonly onConnect: () => void;
}) => Socket;

interface RawRequestQueue {
  readonly pending: readonly unknown[];
  fulfillRequest(answer: { readonly size: number; readonly correlationId: number; readonly payload: Buffer }): void;
  scheduleCheckPendingRequests(): void;
}

interface Encoded {
  /** The bytes; kafkajs looks at `buf` to know an encoder and at `buffer` for its bytes. */
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

/** kafkajs's connection to one broker: sockets, TLS, SASL, frames, correlation, timeouts, throttling. */
export interface RawConnection {
  readonly socket: Socket | undefined;
  readonly requestQueue: RawRequestQueue;
  /** While it authenticates: what is answered goes there. */
  readonly authHandlers: object | null;
  /** Of answers that are not whole yet. */
  readonly bytesBuffered: number;
  processData(data: Buffer): void;
  /** ms, of the last authentication; 0: no end. */
  readonly sessionLifetime: { toNumber(): number };
  reauthenticationThreshold: number;
  connect(): Promise<unknown>;
  setVersions(versions: object): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  authenticate(): Promise<void>;
  isConnected(): boolean;
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
  send<T>(protocol: {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      encode(): Promise<Encoded>;
    };
    readonly response: {
      decode(raw: Buffer): Promise<{ readonly value: T; readonly clientSideThrottleTime: number }>;
      parse(decoded: { readonly value: T }): Promise<T>;
    };
    readonly requestTimeout?: number;
    readonly logResponseError?: boolean;
  }): Promise<T>;
}

/** A logger as kafkajs wants it. */
export interface RawLogger {
  info(message: string, extra?: object): void;
  error(message: string, extra?: object): void;
  warn(message: string, extra?: object): void;
  debug(message: string, extra?: object): void;
  namespace(name: string): RawLogger;
}

export interface RawConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly logger: RawLogger;
  readonly socketFactory: SocketFactory;
  readonly ssl: object | null;
  readonly sasl: object | null;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly reauthenticationThreshold: number;
  readonly maxInFlightRequests: number | null;
  readonly enforceRequestTimeout: boolean;
  /** The mechanisms of SASL that the broker has, when it says so. */
  readonly onMechanisms: (mechanisms: readonly string[]) => void;
}

const Connection = require('kafkajs/src/network/connection.js') as new (options: RawConnectionOptions) => RawConnection;

const SASL_HANDSHAKE = 17;

export function rawConnection(options: RawConnectionOptions): RawConnection {
  const connection = new Connection(options);
  hearMechanisms(connection, options.onMechanisms);
  takeWholeAnswers(connection);
  // After each answer it sets a timer to look at requests held back, with a negative time, which Node warns of; with none
  // held back there is nothing to look at.
  const { requestQueue } = connection;
  const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) schedule();
  };
  return connection;
}

/** They come with the refusal of another, and kafkajs makes an error of it that does not have them. */
function hearMechanisms(connection: RawConnection, heard: (mechanisms: readonly string[]) => void): void {
  const send = connection.send.bind(connection);
  connection.send = (protocol) => {
    const { request, response } = protocol;
    if (request.apiKey !== SASL_HANDSHAKE) return send(protocol);
    const decode = async (raw: Buffer) => {
      const decoded: object = await response.decode(raw);
      if ('enabledMechanisms' in decoded) heard(decoded.enabledMechanisms as readonly string[]);
      return decoded as Awaited<ReturnType<typeof response.decode>>;
    };
    return send({ ...protocol, response: { ...response, decode } });
  };
}

const ANSWER_AT = { correlationId: 4, body: 8 };

/**
 * It joins what comes to what came before, and something always did, if nothing but no bytes: an answer that comes whole, as
 * from sockets.ts, would be copied.
 */
function takeWholeAnswers(connection: RawConnection): void {
  const { requestQueue } = connection;
  const processAny = connection.processData.bind(connection);
  connection.processData = (data) => {
    if (connection.authHandlers || connection.bytesBuffered > 0 || !isAnswer(data)) return processAny(data);
    requestQueue.fulfillRequest({
      size: data.length - ANSWER_AT.correlationId,
      correlationId: data.readInt32BE(ANSWER_AT.correlationId),
      payload: data.subarray(ANSWER_AT.body),
    });
  };
}

/** One, and nothing behind it. */
function isAnswer(data: Buffer): boolean {
  return data.length >= ANSWER_AT.body && data.readInt32BE() === data.length - ANSWER_AT.correlationId;
}
