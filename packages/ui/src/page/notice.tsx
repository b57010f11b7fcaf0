import type { ReactNode } from 'react';
import type { ApiError } from '../api/error.ts';
import styles from './notice.module.css';

interface NoticeProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly tall?: boolean;
}

/** What stands where content would be: nothing there yet, and why. */
export function Notice({ title, children, tall = false }: NoticeProps) {
  return (
    <div className={styles['notice']} data-tall={tall || undefined}>
      <p className={styles['title']}>{title}</p>
      {children !== undefined && <div className={styles['text']}>{children}</div>}
    </div>
  );
}

const kinds: Record<string, string> = {
  bad_data: 'The server could not read this',
  execution: 'The query could not be carried out',
  timeout: 'The query took too long',
  canceled: 'The query was called off',
  unavailable: 'The server cannot answer now',
  not_found: 'Not found',
  unreachable: 'The server cannot be reached',
  not_prometheus: 'Not an answer of this API',
};

/** What went wrong, in the server's own words. */
export function ErrorNotice({ error }: { readonly error: ApiError }) {
  return (
    <div className={styles['error']} role="alert">
      <strong>{kinds[error.kind] ?? 'Something went wrong'}</strong>
      <span className={styles['errorText']}>{error.message}</span>
    </div>
  );
}

interface RemarksProps {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** What the server had to say about an answer that it did give. */
export function Remarks({ warnings, infos }: RemarksProps) {
  if (warnings.length + infos.length === 0) return null;
  return (
    <ul className={styles['remarks']} aria-label="Remarks on this answer">
      {warnings.map((text) => (
        <li key={`warning ${text}`} data-kind="warning">
          <b>Warning</b> {text}
        </li>
      ))}
      {infos.map((text) => (
        <li key={`info ${text}`} data-kind="info">
          <b>Info</b> {text}
        </li>
      ))}
    </ul>
  );
}
