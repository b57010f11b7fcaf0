import type { Matcher } from '@tidemark/model';
import type { HttpOptions, Secret, TlsOptions } from './http-config.ts';
import type { TimeInterval } from './time-interval.ts';

// What the notifier is to do: the meaning of an alertmanager.yml, or of the short form of settings, with every default filled
// in and every name resolved.

export interface RouteSpec {
  /** The way from the root by number: `0`, `0/2`. Unique in a plan. */
  readonly id: string;
  /** The way from the root by matchers, as Alertmanager begins its group keys: `{}/{severity="page"}`. */
  readonly key: string;
  readonly receiver: string;
  readonly matchers: readonly Matcher[];
  /** Go on to the next sibling after a match. */
  readonly continues: boolean;
  /** Sorted; ignored when `groupsByAll`. */
  readonly groupBy: readonly string[];
  readonly groupsByAll: boolean;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  /** Names of time intervals. */
  readonly muteIn: readonly string[];
  readonly activeIn: readonly string[];
  readonly routes: readonly RouteSpec[];
}

export interface InhibitRule {
  readonly sources: readonly Matcher[];
  readonly targets: readonly Matcher[];
  readonly equal: readonly string[];
}

export interface WebhookSpec {
  readonly url: Secret;
  /** 0: all. */
  readonly alertsMax: number;
  readonly timeoutMs: number;
  readonly http: HttpOptions;
}

export interface EmailSpec {
  readonly to: string;
  readonly from: string;
  readonly hello: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly identity: string;
  readonly password: Secret;
  readonly cramSecret: Secret;
  readonly requireTls: boolean;
  /** TLS from the first byte: port 465, or when it was asked for. */
  readonly implicitTls: boolean;
  readonly tls: TlsOptions | undefined;
  /** Templates; Subject and others by name. */
  readonly headers: readonly (readonly [name: string, template: string])[];
  readonly html: string;
  readonly text: string;
}

export type IntegrationSpec = { readonly sendResolved: boolean } & (
  | { readonly kind: 'webhook'; readonly webhook: WebhookSpec }
  | { readonly kind: 'email'; readonly email: EmailSpec }
  /** One that Tidemark cannot send to: `slack`. */
  | { readonly kind: 'unsent'; readonly name: string }
);

export interface ReceiverSpec {
  readonly name: string;
  readonly integrations: readonly IntegrationSpec[];
}

export interface NotifierPlan {
  readonly route: RouteSpec;
  readonly receivers: readonly ReceiverSpec[];
  readonly inhibitRules: readonly InhibitRule[];
  readonly timeIntervals: ReadonlyMap<string, readonly TimeInterval[]>;
  /** Patterns of template files, as written. */
  readonly templates: readonly string[];
  /** How long an alert that was posted without an end is valid. */
  readonly resolveTimeoutMs: number;
  /** YAML, secrets masked: for /status. */
  readonly original: string;
}
