// One line a fact: `2026-11-22T10:00:00.000Z info storer: caught up partition=3 offset=812`.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines name a room. */
  child(room: string): Logger;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Writes lines at or above `minLevel` through `write`. `nowMs` stamps them. */
export function lineLogger(
  options: { readonly write: (line: string) => void; readonly nowMs: () => number; readonly minLevel?: LogLevel },
  room = '',
): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (RANK[level] < RANK[options.minLevel ?? 'info']) return;
      let line = `${new Date(options.nowMs()).toISOString()} ${level} ${room === '' ? '' : `${room}: `}${message}`;
      for (const [name, value] of Object.entries(fields)) {
        if (value === undefined) continue;
        const text = String(value);
        line += ` ${name}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`;
      }
      options.write(line);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (name) => lineLogger(options, room === '' ? name : `${room}/${name}`),
  };
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
