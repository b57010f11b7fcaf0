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
}

const Connection = require('kafkajs/src/network/connection.js') as new (options: RawConnectionOptions) => RawConnection;

export function rawConnection(options: RawConnectionOptions): RawConnection {
  const connection = new Connection(options);
  // After each answer it sets a timer to look at requests held back, with a negative time, which Node warns of; with none
  // held back there is nothing to look at.
  const { requestQueue } = connection;
  const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) schedule();
  };
  return connection;
}

export const plainSockets = (require('kafkajs/src/network/socketFactory.js') as () => SocketFactory)();
