import { messageOf, TidemarkError } from '@tidemark/base';
import { BrokerUnreachable } from './broker-fault.ts';
import { TokenRefused } from './oauth-bearer.ts';
import type { KafkaLogOptions } from './options.ts';

// What is wrong when a client and a listener do not come together, and the setting that mends it, by its name in a
// configuration.
//
//   the client comes     to a listener        which
//   without TLS          with TLS             hangs up on ApiVersions, or waits for a handshake
//   with TLS             without TLS          hangs up on the handshake, or answers it with something else
//   without SASL         with SASL            answers ApiVersions, and hangs up on whatever comes next
//   with SASL            without SASL         says ILLEGAL_SASL_STATE
//   with a mechanism     of others            says UNSUPPORTED_SASL_MECHANISM, and which it has
//   with credentials     that knows better    says SASL_AUTHENTICATION_FAILED, or sends a challenge
//   with a wrong ca      with TLS             shows a certificate that is none to trust
//   with no certificate  that asks for one    says so in an alert of TLS
//
// A broker that is stopped hangs up too: what was seen is a guess then, worded as one, and `BrokerUnreachable`, so that it is tried
// again. What a listener says is certain.

type Credentials = Pick<KafkaLogOptions, 'sasl' | 'tls'>;

export interface Opening extends Credentials {
  readonly broker: string;
  /** Mechanisms that the listener has; empty: it did not say. */
  readonly offered: readonly string[];
}

/** `LOG_DENIED`, `LOG_UNTRUSTED`, `BrokerUnreachable`, or what the error was. */
export function openingFailed(error: unknown, opening: Opening): unknown {
  const { broker, sasl } = opening;
  const cause = error instanceof BrokerUnreachable ? (error.cause ?? error) : error;
  if (sasl !== undefined && isOfSasl(cause)) {
    const message = `broker ${broker} ${refusal(cause, sasl.mechanism, opening.offered)}`;
    return new TidemarkError('LOG_DENIED', message, { broker, mechanism: sasl.mechanism }, cause);
  }
  if (CERTIFICATE_REFUSED.test(codeOf(cause))) {
    const message = `broker ${broker} asks for a certificate that it trusts: set kafka.certFile and kafka.keyFile`;
    return new TidemarkError('LOG_DENIED', message, { broker }, cause);
  }
  const untrusted = adviceOnCertificate(cause);
  if (untrusted !== undefined) {
    const message = `broker ${broker}: ${messageOf(cause)}; ${untrusted}`;
    return new TidemarkError('LOG_UNTRUSTED', message, { broker }, cause);
  }
  if (error instanceof TidemarkError) return error;
  if (isHangUp(cause)) return noConnection(broker, messageOf(cause), opening, cause);
  return error instanceof BrokerUnreachable ? error : new BrokerUnreachable(broker, messageOf(error), false, error);
}

/** Somebody is there who does not speak to us. */
export function noConnection(broker: string, what: string, { tls }: Credentials, cause?: unknown): BrokerUnreachable {
  const advice =
    tls === undefined
      ? 'if its listener is one with TLS, set kafka.tls: true'
      : 'its listener must be one with TLS: take the port of that one, or set kafka.tls: false';
  return new BrokerUnreachable(broker, `${what}; ${advice}`, false, cause);
}

/** Undefined: it did something else. */
export function hungUpOnFirstRequest(error: unknown): string | undefined {
  if (!isHangUp(error)) return undefined;
  const advice = 'if its listener is one with SASL, set kafka.mechanism, kafka.username and kafka.password';
  return `${messageOf(error)} on the first request; ${advice}`;
}

function refusal(cause: unknown, mechanism: string, offered: readonly string[]): string {
  switch (typeOf(cause)) {
    case 'ILLEGAL_SASL_STATE':
      return 'has a listener without SASL: set kafka.mechanism: none, or take the port of one with SASL';
    case 'UNSUPPORTED_SASL_MECHANISM': {
      const others = offered.length === 0 ? 'another' : offered.join(' or ');
      return `does not take SASL's ${mechanism}: set kafka.mechanism to ${others}`;
    }
    default: {
      const secret = mechanism === 'OAUTHBEARER' ? 'the token in kafka.tokenFile' : 'kafka.username and kafka.password';
      return `refuses the credentials: ${messageOf(cause)}; look at kafka.mechanism and ${secret}`;
    }
  }
}

function isOfSasl(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof TokenRefused || typeOf(error).includes('SASL') || error.name.includes('SASL');
}

/** As kafkajs names error codes. */
function typeOf(error: unknown): string {
  return error instanceof Error && 'type' in error ? String(error.type) : '';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isHangUp(error: unknown): boolean {
  if (['ECONNRESET', 'EPIPE'].includes(codeOf(error))) return true;
  return error instanceof Error && error.name === 'KafkaJSConnectionClosedError';
}

/** The code of an alert: OpenSSL's words for it differ by version. */
const CERTIFICATE_REFUSED = /ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA)$/;

/** By the code of OpenSSL or Node: the certificate is none to trust, or of another name. */
function adviceOnCertificate(error: unknown): string | undefined {
  const code = codeOf(error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'set kafka.serverName to a name in the certificate';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'look at the certificate, and at the clocks';
  if (/SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_UNTRUSTED|CERT_SIGNATURE/.test(code)) {
    return 'set kafka.caFile to the certificate of whoever signed it';
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return 'its listener speaks without TLS: set kafka.tls: false, or take the port of one with TLS';
  }
  return undefined;
}
